"""Build the documentation into _docs/ without Quarto: nbdev processes the notebooks, smalldocs renders the pages from
the same _quarto.yml, and formulas become MathML at build time, so that the site needs nothing from any other machine.

    python .ci/docs.py [--screenshot DIR] [PAGE ...]    build, then .ci/check_docs.py"""
import inspect, json, os, re, shutil, subprocess, sys
from base64 import b64decode
from html import escape, unescape
from importlib import import_module
from operator import attrgetter
from pathlib import Path

repo = Path(__file__).resolve().parent.parent
formula = re.compile(r'<span class="math (inline|display)">\\[(\[](.*?)\\[)\]]</span>', flags=re.S)
katex = re.compile(r'<(?:link|script)\b[^>]*\bkatex\b[^>]*>(?:</script>)?\s*')
expected = re.compile('output-file is not read|(keep-md|respect-user-color-scheme) is ignored|format commonmark is not built')

def row(*cells): return '| ' + ' | '.join(' '.join(cell.replace('|', r'\|').split()) for cell in cells) + ' |'

def shown():
    "Names of functions and classes whose source a page shows, with their docstrings and parameters."
    for path in (repo/'nbs').glob('[0-9]*.ipynb'):
        for cell in json.loads(path.read_text(encoding='utf-8'))['cells']:
            source = ''.join(cell['source'])
            if source.startswith('#| exports'): yield from re.findall(r'^(?:class|def) (\w+)', source, flags=re.M)

def origin(sym, name):
    "What a page defines, as its module has it, and nbdev's entry for it; other modules may use the same name."
    from nbdev.doclinks import NbdevLookup
    for key, found in NbdevLookup().syms.items():
        module = found[1].removesuffix('.py').replace('/', '.') if isinstance(found, tuple) and found[1] else ''
        if key != f'{module}.{name}': continue
        own = inspect.unwrap(attrgetter(name)(import_module(module)))   # of a class, only this has source and comments
        if inspect.getdoc(own) == inspect.getdoc(sym): return own, found
    return sym, None

def entry(renderer):
    "An API entry of nbdev's show_doc: a label where the source follows, else signature, docstring and parameters, folded."
    from fastcore.docments import DocmentText
    empty, (sym, found) = inspect.Parameter.empty, origin(renderer.sym, renderer.nm)
    name = renderer.nm.replace('_', r'\_')
    link = f'[source]({found[2]}#L{inspect.getsourcelines(sym)[1]})' if found else ''
    anchor = f'<span id="{renderer.nm.lower()}"></span>'
    if renderer.nm.split('.')[0] in set(shown()): return f'::: {{.api}}\n{anchor}{name} · {link}\n:::\n'
    text = DocmentText(sym, docstring=False)
    hidden = {'return', 'parent', 'name'} if 'parent' in text.dm else {'return'}  # Flax adds these two to a module
    params = {name: p for name, p in text.dm.items() if name not in hidden}
    names = [shown.replace(':NoneType', '') for shown, _ in text.params if re.match(r'\**(\w+)', shown)[1] in params]
    for last in re.findall(r'^ *\*\*(\w+),? *# (.+)', inspect.getsource(sym), flags=re.M):  # fastcore skips this comment
        if last[0] in params: params[last[0]]['docment'] = last[1]
    line = f"{'class' if inspect.isclass(sym) else 'def'} {sym.__name__}({', '.join(names)})"
    if len(line) > 88: line = line.partition('(')[0] + '(\n    ' + ',\n    '.join(names) + ')'
    values = [p.get('default', empty) for p in params.values()]
    values = ['' if v is empty or ' at 0x' in repr(v) else f"`{getattr(v, '__name__', None) or repr(v)}`" for v in values]
    rows = [row(f'`{name}`', v, p.get('docment') or '') for (name, p), v in zip(params.items(), values)]
    returns = inspect.isfunction(sym) and re.search(r'^ *\)[^#\n]*: *# *(.+)$', inspect.getsource(sym), flags=re.M)
    if returns: rows.append(row('returns', '', returns[1]))
    told = returns or any(p.get('docment') for p in params.values())
    table = [row('parameter', 'default', 'meaning'), '| :-- | :-- | :-- |', *rows] if told else []
    first = f'<details class="api"><summary>{anchor}<code>{renderer.nm}</code></summary>'
    return '\n\n'.join([first, f'```python\n{line}\n```', renderer.docs, '\n'.join(table), link, '</details>']) + '\n'

def process():
    "The notebooks as pages in _proc/, with API entries filled in and names in backticks linked."
    os.chdir(repo)
    sys.path.insert(0, str(repo))
    from nbdev import processors
    from nbdev.doclinks import NbdevLookup
    from nbdev.config import get_config
    from nbdev.quarto import refresh_quarto_yml
    from nbdev.serve import proc_nbs
    from nbdev.showdoc import BasicMarkdownRenderer
    names = processors._def_names  # nbdev would show a cell's last definition first
    processors._def_names = lambda cell, shown: names(cell, shown)[::-1]
    wrong = []
    def entry_or_end(renderer):  # nbdev would print the error, and leave the entry out
        try: return entry(renderer)
        except Exception as e: wrong.append(f'show_doc({renderer.nm}): {e!r}')
    BasicMarkdownRenderer._repr_markdown_ = entry_or_end
    found = NbdevLookup.doc  # `batches` is the name of a parameter, too, and that is what pages speak of
    NbdevLookup.doc = lambda self, name: None if name == 'batches' else found(self, name)
    refresh_quarto_yml()
    proc = Path(proc_nbs(n_workers=0, force=True))
    if wrong: sys.exit('\n'.join(wrong))
    return proc, get_config()

def fold_imports(nb):
    "Cells that only import are folded; those that follow each other become one."
    cells, folded = [], None
    for cell in nb['cells']:
        lines = [line for line in ''.join(cell['source']).splitlines() if line and not line.startswith('#|')]
        imports = cell['cell_type'] == 'code' and lines and all(re.match(r'(from|import) ', line) for line in lines)
        if imports and cells and cells[-1] is folded: folded['source'] += '\n' + '\n'.join(lines)
        else: cells.append(cell)
        if imports and cells[-1] is cell:
            folded, cell['source'] = cell, '\n'.join(['#| code-fold: true', '#| code-summary: Imports', *lines])
    nb['cells'] = cells

def place_labels(nb):
    "The label of a function or class stands above the cell that defines it; that of a method above its class."
    def sources(): return [''.join(cell['source']) for cell in nb['cells']]
    for cell in [c for c in nb['cells'] if '::: {.api}' in json.dumps(c.get('outputs', []))]:
        name = re.search(r'show_doc\(([\w.]+)\)', ''.join(cell['source']))[1]
        for part in (name.split('.')[-1], name.split('.')[0]):
            homes = [i for i, text in enumerate(sources()) if re.search(rf'^(def|class) {part}\b', text, flags=re.M)]
            if homes:
                home = nb['cells'][homes[0]]
                nb['cells'].remove(cell)
                nb['cells'].insert(nb['cells'].index(home), cell)
                break

def caption_diagrams(nb):
    "A diagram is a figure with its caption, as a picture is."
    for cell in nb['cells']:
        caption = re.search(r'#\| fig-cap: "(.*)"', ''.join(cell['source']))
        for data in (out.get('data', {}) for out in cell.get('outputs', []) if caption):
            html = ''.join(data.get('text/html', ''))
            if html.startswith('<svg'):
                data['text/html'] = f'<figure>{html}<figcaption>{escape(caption[1], quote=False)}</figcaption></figure>'

def localise(proc, cfg):
    "Name pages as Quarto does (02_cell.ipynb becomes cell.html), and link them relatively."
    for path in [*proc.rglob('*.ipynb'), proc/'sidebar.yml']:
        text = path.read_text(encoding='utf-8').replace(f'{cfg.doc_host}{cfg.doc_baseurl}/', '')
        text = re.sub(r'\b\d\d_(\w+\.ipynb)', r'\1', text)
        if path.suffix == '.ipynb':
            fold_imports(nb := json.loads(text))
            place_labels(nb)
            caption_diagrams(nb)
            text = json.dumps(nb)
        path.write_text(text, encoding='utf-8')
        path.rename(path.with_name(re.sub(r'^\d\d_', '', path.name)))
    return proc

def render(proc):
    "_proc/ as a site, moved to _docs/; a broken link or anything else that smalldocs warns of ends the build."
    command = [sys.executable, '-m', 'smalldocs.cli', 'render', '--quiet', str(proc)]
    done = subprocess.run(command, cwd=repo, stderr=subprocess.PIPE, text=True)
    wrong = [line for line in done.stderr.splitlines() if not expected.search(line)]
    if done.returncode or wrong: sys.exit('\n'.join(['smalldocs could not render the site:', *wrong]))
    shutil.rmtree(repo/'_docs', ignore_errors=True)
    return Path(shutil.move(proc/'_docs', repo/'_docs'))

def mathml(match):
    "One formula as MathML, its source kept as alttext."
    from latex2mathml.converter import convert
    kind, tex = match[1], unescape(match[2]).strip()
    tex = re.sub(r'\\(ln|log|exp|tanh|max|min)\s+(?=[A-Za-z0-9]|\\(?!left|big))', r'\\\1\\,', tex)  # latex2mathml sets none
    tex = tex.replace(r'\lVert', r'\|').replace(r'\rVert', r'\|')  # it would stretch these beyond the line
    try: math = convert(tex, display='block' if kind == 'display' else 'inline')
    except Exception as e: sys.exit(f'formula {tex!r} cannot be converted to MathML: {type(e).__name__} {e}')
    math = math.replace('<math ', f'<math alttext="{escape(tex)}" ', 1)
    focus = ' tabindex="0"' if kind == 'display' else ''  # what may scroll must be reached with the keyboard
    return f'<span class="math {kind}"{focus}>{math}</span>'

def place(name, text):
    "Where a page stands in its part."
    for part in re.findall(r'<li class="sidebar-item sidebar-item-section">.*?</ul>', text, flags=re.S):
        title, pages = re.search('menu-text">(.*?)<', part)[1], re.findall(r'href="([\w.]+html)" class="sidebar-item', part)
        if name in pages: return f'<p class="place">{title}, page {pages.index(name) + 1} of {len(pages)}</p>'
    return ''

labels = {'<nav class="navbar ': 'Site', '<nav class="quarto-secondary-nav"': 'Where you are', '<nav id="quarto-sidebar"': 'All pages',
          '<nav id="TOC"': 'On this page', '<nav class="page-navigation"': 'Previous and next page'}

def furnish(name, text, site):
    "A page with its place and contents under the title, sources unfolded for good, and every landmark named."
    text = re.sub(r'<details open="" class="code-fold">\s*<summary>Exported source</summary>(.*?)</details>', r'\1', text,
                  flags=re.S)
    for tag, label in labels.items(): text = text.replace(tag, tag.replace('<nav', f'<nav aria-label="{label}"'))
    text = re.sub(r'<div class="toc-actions">(.*?</div>)</div>', r'<nav aria-label="Source" class="toc-actions">\1</nav>', text)
    text = re.sub(r'(<i class="bi[^"]*") role="img"', r'\1 aria-hidden="true"', text).replace(' role="navigation"', ' role="button"')
    text = re.sub('<figcaption>.*?</figcaption>', lambda m: re.sub('`([^`]+)`', r'<code>\1</code>', m[0]), text, flags=re.S)
    text = re.sub(r'<th[^>]*></th>', '<td></td>', text).replace('<table class="caption-top', '<table tabindex="0" class="caption-top')
    stem = name.removesuffix('.html')
    folder = site/f'{stem}_files'
    def as_file(match):  # a page is read while its figures are still on their way
        folder.mkdir(exist_ok=True)
        path = folder/f'figure-{len([*folder.iterdir()]) + 1}.png'
        path.write_bytes(b64decode(match[1]))
        return f'src="{folder.name}/{path.name}" loading="lazy"'
    text = re.sub(r'src="data:image/png;base64,([^"]*)"', as_file, text)
    for path in (repo/'nbs').glob(f'*{stem}.ipynb'):
        if re.fullmatch(rf'(\d\d_)?{stem}.ipynb', path.name):
            text = text.replace(f'/main/{stem}.ipynb', f'/main/nbs/{path.name}')
    contents = re.search(r'id="TOC".*?(<ul>.*?</ul>)', text, flags=re.S)
    under = place(name, text)
    if contents:
        inside = re.sub(r' (id|class|data-[\w-]+)="[^"]*"', '', contents[1])
        under += f'<details class="toc-small"><summary>On this page</summary>{inside}</details>'
    return re.sub(r'<header id="title-block-header".*?(?=</header>)', lambda m: m[0] + under, text, count=1, flags=re.S)

def main():
    site, count = render(localise(*process())), 0
    pages = sorted(site.rglob('*.html'))
    for page in pages:  # formulas replaced, and the script that would have drawn them dropped
        text, n = formula.subn(mathml, page.read_text(encoding='utf-8'))
        page.write_text(furnish(page.name, katex.sub('', text), site), encoding='utf-8')
        count += n
    for sheet in site.rglob('*.css'):  # a theme would wait for a font service before it paints anything
        text = sheet.read_text(encoding='utf-8')
        sheet.write_text(re.sub(r'@import\s*url\(\s*["\']?https?:[^)]*\);?', '', text), encoding='utf-8')
    print(f'_docs: {len(pages)} pages, {count} formulas', flush=True)
    return subprocess.run([sys.executable, str(repo/'.ci'/'check_docs.py'), *sys.argv[1:]]).returncode

if __name__ == '__main__': sys.exit(main())
