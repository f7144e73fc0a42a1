"""Check the built site in _docs/: links, images, nothing needed from elsewhere; every page is opened in Chromium.

    python .ci/check_docs.py [--screenshot DIR]

What a page must show is counted in its HTML; what it does show is measured by a small script in a copy of the page."""
import argparse, os, re, shutil, subprocess, sys, tempfile
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

repo = Path(__file__).resolve().parent.parent
site = repo/'_docs'
elsewhere = re.compile(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="(?:https?:)?//[^>]*>|'
                       r'<link\b[^>]*stylesheet[^>]*https?:[^>]*>')
leftover = re.compile(r'\]\([^)]*\)|\\\[.*?\\\]|\\\(.*?\\\)')
probe = """<script>addEventListener('load', () => {
  const box = document.querySelector('input[type=search], .smalldocs-search input');
  if (box) { box.focus(); box.value = 'vocab'; box.dispatchEvent(new Event('input', {bubbles: true})); }
  setTimeout(() => {
    document.querySelectorAll('main details').forEach(d => d.open = true);
    const seen = (what, ok = e => true) => [...document.querySelectorAll(what)].filter(e => {
      const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 0 && ok(e) }).length;
    document.body.setAttribute('data-probe', [seen('main math'), seen('main img', i => i.naturalWidth > 0),
      seen('#quarto-sidebar a[href]'), seen('#quarto-sidebar .sidebar-item-section'),
      seen('.search-result')].join(' '));
  }, 1500)})</script>"""

def problems(name, pages):
    "One line for each thing wrong with the page's links and text."
    text = pages[name]
    for link in re.findall(r'\b(?:href|src)="([^":]+)"', text):  # those with a colon lead elsewhere
        file, _, anchor = unquote(unescape(link)).partition('#')
        if not (site/file).exists(): yield f'{link}: no such file'
        elif anchor and f'id="{anchor}"' not in pages.get(file or name, ''): yield f'{link}: no such anchor'
    yield from (f'loaded from elsewhere: {found}' for found in elsewhere.findall(text))
    prose = re.sub(r'<(pre|code|script)\b.*?</\1>', '', text, flags=re.S)
    yield from (f'Markdown left in the page: {found}' for found in leftover.findall(prose))

def chromium():
    "Path of a Chromium; installed with apt-get where there is none and we may."
    names = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
    find = lambda: next(filter(None, map(shutil.which, names)), None)
    if not find() and shutil.which('apt-get') and os.geteuid() == 0:
        install = 'apt-get install -y -qq --no-install-recommends chromium'
        subprocess.run(f'apt-get update -qq && {install} >/dev/null', shell=True)
    return find() or sys.exit('no Chromium found: install chromium or google-chrome, then run this again')

def browse(browser, url, *options):
    "Open `url` headless, with a profile of its own; what it prints."
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [browser, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
                   '--disable-background-networking', '--disable-component-update', '--disable-sync',
                   '--hide-scrollbars', '--window-size=1400,4000', f'--user-data-dir={profile}', *options, url]
        return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout

class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

def serve():
    "The site on a free local port (search reads a file, which file:// forbids); its address."
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=site))
    Thread(target=server.serve_forever, daemon=True).start()
    return f'http://127.0.0.1:{server.server_port}/'

def shown(browser, root, name, text):
    "Formulas, figures, sidebar links, sidebar sections and results of a search, as seen on the page in the browser."
    copy = site/f'.probe-{name}'
    copy.write_text(text.replace('</body>', f'{probe}</body>'), encoding='utf-8')
    try: dom = browse(browser, root + copy.name, '--virtual-time-budget=10000', '--dump-dom')
    finally: copy.unlink()
    match = re.search(r'data-probe="([\d ]+)"', dom)
    return [int(n) for n in match[1].split()] if match else [0]*5

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--screenshot', type=Path, metavar='DIR', help='save a picture of every page there')
    folder = parser.parse_args().screenshot
    pages = {p.name: p.read_text(encoding='utf-8') for p in sorted(site.glob('*.html'))}
    if not pages: sys.exit('_docs/ holds no page: run .ci/docs.py first')
    sections = (repo/'nbs'/'sidebar.yml').read_text(encoding='utf-8').count('section:')
    browser, root, failed, total = chromium(), serve(), 0, [0, 0]
    if folder: folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        wrong, body = list(problems(name, pages)), re.search('<main.*</main>', text, flags=re.S)[0]
        *found, hits = shown(browser, root, name, text)
        expected = [body.count('<math '), body.count('<img '), len(pages), sections]
        if found != expected:
            wrong.append(f'formulas, figures, sidebar links, sections: {found} shown, expected {expected}')
        if not hits: wrong.append('search finds nothing')
        failed += bool(wrong)
        total = [a + b for a, b in zip(total, found)]
        line = f"{'FAIL' if wrong else 'ok  '} {name}: {found[0]} formulas, {found[1]} figures"
        print(line, *wrong, sep='\n       ', flush=True)
        if folder: browse(browser, root + name, f'--screenshot={(folder/name).resolve().with_suffix(".png")}')
    if not all(total): failed, _ = failed + 1, print('FAIL the site: no formula or no figure at all')
    print(f'{len(pages) + 1 - failed} passed, {failed} failed')
    return 1 if failed else 0

if __name__ == '__main__': sys.exit(main())
