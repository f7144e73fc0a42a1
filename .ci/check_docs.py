"""Check the built site in _docs/: links, images, nothing needed from elsewhere, and every page opened in headless Chromium.

    python .ci/check_docs.py [--screenshot DIR]

What a page must show is counted in its HTML; what it does show is measured by a small script in a copy of the page."""
import argparse, os, re, shutil, subprocess, sys, tempfile
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

site = Path(__file__).resolve().parent.parent/'_docs'
probe = """<script>addEventListener('load', () => {
  const box = document.querySelector('input[type=search], .smalldocs-search input');
  if (box) { box.focus(); box.value = 'vocab'; box.dispatchEvent(new Event('input', {bubbles: true})); }
  setTimeout(() => {
  const main = document.querySelector('main') || document.body;
  main.querySelectorAll('details').forEach(d => d.open = true);
  const seen = e => { const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 0 };
  const maths = [...main.querySelectorAll('math')], imgs = [...main.querySelectorAll('img')];
  document.body.setAttribute('data-probe', [maths.filter(seen).length, imgs.filter(i => seen(i) && i.naturalWidth > 0).length,
    document.querySelectorAll('#quarto-sidebar a').length, document.querySelectorAll('.search-result').length].join(' '));
}, 1500)})</script>"""

class Page(HTMLParser):
    "What a page links to, loads, and shows."
    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loads, self.maths, self.imgs, self.tables, self.inside = set(), [], [], 0, 0, 0, 0
        self.text = path.read_text(encoding='utf-8')
        self.feed(self.text)
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.ids.update(filter(None, (a.get('id'), a.get('name') if tag == 'a' else None)))
        if tag == 'a' and a.get('href'): self.links.append(a['href'])
        if tag in ('script', 'img', 'iframe', 'source') and a.get('src'): self.loads.append(a['src'])
        if tag == 'link' and a.get('href') and a.get('rel') in ('stylesheet', 'icon', 'preload', 'modulepreload'): self.loads.append(a['href'])
        self.inside += tag == 'main'
        if self.inside:
            self.maths += tag == 'math'
            self.imgs += tag == 'img'
            self.tables += tag == 'table'
    def handle_endtag(self, tag): self.inside -= tag == 'main'

def target(path, url):
    "The file and anchor that a relative address on page `path` means; None for an address elsewhere."
    parts = urlsplit(url)
    if parts.scheme or parts.netloc: return None
    file = (site/unquote(parts.path).lstrip('/') if parts.path.startswith('/') else path.parent/unquote(parts.path)) if parts.path else path
    return (file/'index.html' if file.is_dir() else file).resolve(), unquote(parts.fragment)

def broken(path, page, pages):
    "One line for each thing wrong with the page's addresses."
    for url in [*page.links, *page.loads]:
        if url.startswith(('data:', 'mailto:', 'javascript:')): continue
        found = target(path, url)
        if found is None:
            if url in page.loads: yield f'loads {url} from elsewhere'
            continue
        file, anchor = found
        if not file.is_file(): yield f'{url}: no such file'
        elif anchor and file in pages and anchor not in pages[file].ids: yield f'{url}: no such anchor'
    if re.search(r'class="math (?:inline|display)">\\', page.text): yield 'a formula was left as TeX'
    if re.search(r'\bkatex\b|cdn\.jsdelivr|mathjax', page.text, flags=re.I): yield 'a script from elsewhere draws formulas'

def chromium():
    "Path of a Chromium; installed with apt-get where there is none and we may."
    names = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
    find = lambda: next(filter(None, map(shutil.which, names)), None)
    if not find() and shutil.which('apt-get') and os.geteuid() == 0:
        subprocess.run('apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null', shell=True)
    return find() or sys.exit('no Chromium found: install chromium or google-chrome, then run this again')

def browse(browser, url, *options):
    "Open `url` headless, with a profile of its own; what it prints."
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [browser, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking',
                   '--disable-component-update', '--disable-sync', '--hide-scrollbars', f'--user-data-dir={profile}', *options, url]
        return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout

class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

def serve():
    "The site on a free local port (search reads a file, which file:// forbids); its address."
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=site))
    Thread(target=server.serve_forever, daemon=True).start()
    return f'http://127.0.0.1:{server.server_port}/'

def shown(browser, path, root):
    "Formulas, figures, sidebar links and results of a search, as seen on the page in the browser."
    copy = path.with_name(f'.probe-{path.name}')
    try:
        copy.write_text(path.read_text(encoding='utf-8').replace('</body>', f'{probe}</body>'), encoding='utf-8')
        dom = browse(browser, root + copy.relative_to(site).as_posix(), '--virtual-time-budget=10000', '--dump-dom')
    finally: copy.unlink(missing_ok=True)
    match = re.search(r'data-probe="(\d+) (\d+) (\d+) (\d+)"', dom)
    return tuple(map(int, match.groups())) if match else (0, 0, 0, 0)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--screenshot', type=Path, metavar='DIR', help='save a picture of every page there')
    args = parser.parse_args()
    pages = {p.resolve(): Page(p) for p in sorted(site.rglob('*.html')) if 'site_libs' not in p.parts}
    if not pages: sys.exit('_docs/ holds no page: run .ci/docs.py first')
    browser, root, failed = chromium(), serve(), 0
    for path, page in pages.items():
        wrong = list(broken(path, page, pages))
        maths, imgs, links, hits = shown(browser, path, root)
        if (maths, imgs) != (page.maths, page.imgs): wrong.append(f'shows {maths} of {page.maths} formulas and {imgs} of {page.imgs} figures')
        if links < len(pages): wrong.append(f'the sidebar has {links} links for {len(pages)} pages')
        if not hits: wrong.append('search finds nothing')
        failed += bool(wrong)
        name = path.relative_to(site)
        print(f"{'FAIL' if wrong else 'ok  '} {name}: {maths} formulas, {imgs} figures, {page.tables} tables, {len(page.links)} links, {hits} search results", *wrong, sep='\n       ', flush=True)
        if args.screenshot:
            args.screenshot.mkdir(parents=True, exist_ok=True)
            picture = (args.screenshot/f'{path.stem}.png').resolve()
            browse(browser, path.as_uri(), '--window-size=1400,4000', f'--screenshot={picture}')
    if not any(p.maths for p in pages.values()) or not any(p.imgs for p in pages.values()): failed += 1; print('FAIL the site: no formula or no figure at all')
    print(f'{len(pages) + 1 - failed} passed, {failed} failed')
    return 1 if failed else 0

if __name__ == '__main__': sys.exit(main())
