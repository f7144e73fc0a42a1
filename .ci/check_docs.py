"""Check the built site in _docs/: its links, and every page as a browser shows it, wide and narrow, light and dark.

    python .ci/check_docs.py [--screenshot DIR] [PAGE ...]     all pages by default

A page must have no broken link, no console error, no failed request and none to another machine; nothing may scroll
sideways; formulas, figures and diagrams must be seen; axe must find nothing; search must find what it is asked for; a playground at
temperature 0 must write what the library does."""
import argparse, os, re, shutil, statistics, subprocess, sys
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

repo = Path(__file__).resolve().parent.parent
site = repo/'_docs'
leftover = re.compile(r'\]\([^)]*\)|\\\[.*?\\\]|\\\(.*?\\\)|<m[io]>(?:\\|&)[a-z]*</')
searches = {'gradient clipping': 'clipping.html', 'clipping': 'clipping.html', 'vocab': 'vocab.html'}
seen = """async () => {
  document.querySelectorAll('main details').forEach(d => d.open = true);
  document.querySelectorAll('main img').forEach(i => i.loading = 'eager');
  await Promise.all([...document.querySelectorAll('main img')].map(i => i.decode().catch(() => 0)));
  const count = what => [...document.querySelectorAll(what)].filter(e => e.getBoundingClientRect().width > 0).length;
  const wide = e => e.scrollWidth > e.clientWidth + 1;
  return {formulas: count('main math'), figures: [...document.querySelectorAll('main img')].filter(i => i.naturalWidth).length,
    diagrams: count('main svg.diagram'),
    scrolls: [document.documentElement, ...document.querySelectorAll('main pre, main .math.display')].filter(wide)
      .map(e => e.tagName + ' ' + e.innerText.slice(0, 60)),
    paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0};
}"""

played = """() => [...document.querySelectorAll('.playground')].map(box => {
  const set = (name, value) => {
    const input = box.querySelector(`[name=${name}]`);
    input.value = value;
    input.dispatchEvent(new Event('input'));
  };
  set('prompt', box.dataset.prompt);
  set('temperature', 0);
  box.querySelector('[value="100"]').click();
  return [box.querySelector('.written').textContent, box.dataset.greedy];
})"""

def problems(name, pages):
    "One line for each thing wrong with the page's links and text."
    text = pages[name]
    for link in re.findall(r'\b(?:href|src)="([^":]+)"', text):  # those with a colon lead elsewhere
        file, _, anchor = unquote(unescape(link)).partition('#')
        if not (site/file).exists(): yield f'{link}: no such file'
        elif anchor and f'id="{anchor}"' not in pages.get(file or name, ''): yield f'{link}: no such anchor'
    for image in re.findall(r'<img\b[^>]*>', text):
        if not re.search(r'\balt="[^"]', image): yield f'a figure without alternative text: {image[-80:]}'
    if len(text) > 2**20: yield f'{len(text) / 2**20:.1f} MB; expected at most 1'
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

class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

def serve():
    "The site on a free local port (search reads a file, which file:// forbids); its address."
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=site))
    Thread(target=server.serve_forever, daemon=True).start()
    return f'http://127.0.0.1:{server.server_port}/'

def look(browser, root, name, text, width, scheme, picture):
    "What is wrong with a page at one width and in one colour scheme, and the time of its first paint in ms."
    context = browser.new_context(viewport={'width': width, 'height': 844}, color_scheme=scheme)
    page, wrong = context.new_page(), []
    page.on('console', lambda m: wrong.append(f'console: {m.text[:200]}') if m.type == 'error' else None)
    page.on('pageerror', lambda e: wrong.append(f'error: {str(e)[:200]}'))
    page.on('requestfailed', lambda r: wrong.append(f'failed: {r.url}'))
    page.on('request', lambda r: None if r.url.startswith((root, 'data:')) else wrong.append(f'from elsewhere: {r.url}'))
    page.goto(root + name, wait_until='load')
    if picture: page.screenshot(path=picture, full_page=True)
    found, main = page.evaluate(seen), re.search('<main.*</main>', text, flags=re.S)[0]
    expected = dict(formulas=main.count('<math '), figures=main.count('<img '), diagrams=main.count('<svg class="diagram"'))
    wrong += [f'{what}: {found[what]} seen, expected {n}' for what, n in expected.items() if found[what] != n]
    wrong += [f'scrolls sideways: {element!r}' for element in found['scrolls']]
    page.add_script_tag(path=axe())
    for v in page.evaluate('axe.run(document, {resultTypes: ["violations"]})')['violations']:
        wrong.append(f"axe, {v['impact']}: {v['help']}: {len(v['nodes'])} times, such as {v['nodes'][0]['html'][:90]!r}")
    texts = page.evaluate(played)
    wrong += [f'the playground writes {wrote!r}; expected {greedy!r}' for wrote, greedy in texts if wrote != greedy]
    if name == 'decoding.html' and not texts: wrong.append('no playground found')
    context.close()
    return wrong, found['paint']

def axe():
    import axe_playwright_python
    return str(Path(axe_playwright_python.__file__).parent/'axe.min.js')

def search(browser, root):
    "What searching does not find."
    page = browser.new_page(viewport={'width': 1280, 'height': 844})
    page.goto(root + 'index.html')
    for words, target in searches.items():
        page.fill('.smalldocs-search input', '')
        page.type('.smalldocs-search input', words)
        page.wait_for_timeout(500)
        hits = page.eval_on_selector_all('.search-result', 'es => es.map(e => e.getAttribute("href") || e.outerHTML)')
        if not any(target in hit for hit in hits[:3]):
            yield f'{words!r} does not find {target} among the first three: {[h[:60] for h in hits[:3]]}'
    page.close()

def main():
    from playwright.sync_api import sync_playwright
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('pages', nargs='*', help='such as cell.html')
    parser.add_argument('--screenshot', type=Path, metavar='DIR', help='save pictures of the pages there')
    args = parser.parse_args()
    pages = {p.name: p.read_text(encoding='utf-8') for p in sorted(site.glob('*.html'))}
    if not pages: sys.exit('_docs/ holds no page: run .ci/docs.py first')
    if args.screenshot: args.screenshot.mkdir(parents=True, exist_ok=True)
    root, failed, paints = serve(), 0, []
    def tell(what, wrong):
        nonlocal failed
        failed += bool(wrong)
        print(f"{'FAIL' if wrong else 'ok  '} {what}", *wrong, sep='\n       ', flush=True)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=['--no-sandbox', '--disable-dev-shm-usage'])
        for name, text in pages.items():
            wrong = list(problems(name, pages))
            for width in (1280, 390) if not args.pages or name in args.pages else ():
                for scheme in ('light', 'dark'):
                    picture = args.screenshot and args.screenshot/f'{name[:-5]}-{width}-{scheme}.png'
                    found, paint = look(browser, root, name, text, width, scheme, picture)
                    wrong += [f'{width} px, {scheme}: {line}' for line in found]
                    paints.append(paint)
            tell(name, wrong)
        tell('search', list(search(browser, root)))
    print(f'first paint after {statistics.median(paints):.0f} ms (median), {max(paints):.0f} ms at most')
    print(f'{len(pages) + 1 - failed} passed, {failed} failed')
    return 1 if failed else 0

if __name__ == '__main__': sys.exit(main())
