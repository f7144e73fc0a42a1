"""Build the documentation into _docs/ without Quarto: nbdev processes the notebooks, smalldocs renders the pages from the same
_quarto.yml, and formulas become MathML at build time, so that the site needs nothing from any other machine.

    python .ci/docs.py [--screenshot DIR]    build, then .ci/check_docs.py"""
import inspect, os, re, shutil, subprocess, sys
from html import escape, unescape
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace

repo = Path(__file__).resolve().parent.parent
formula = re.compile(r'<span class="math (inline|display)">\\[(\[](.*?)\\[)\]]</span>', flags=re.S)
katex = re.compile(r'<(?:link|script)\b[^>]*\bkatex\b[^>]*>(?:</script>)?\s*')

def index():
    "This tree's names, as nbdev_export wrote them."
    from nbdev.config import get_config
    return import_module(f'{get_config().lib_path.name}._modidx').d

def exported(name, default):
    "The thing of that name in the modules, whose source can be read where the notebook's own (a class, a jitted function) cannot."
    for module, names in index()['syms'].items():
        if f'{module}.{name}' in names:
            try: return inspect.unwrap(attrgetter(name)(import_module(module)))
            except AttributeError: pass
    return default

def entry(renderer):
    "An API entry of nbdev's show_doc: source link, signature, docstring and a table of parameters."
    from fastcore.docments import DocmentText
    from nbdev.doclinks import NbdevLookup
    sym, empty = exported(renderer.nm, renderer.sym), inspect.Parameter.empty
    text = DocmentText(sym, docstring=False)
    params = {name: p for name, p in text.dm.items() if name != 'return'}
    kind, names = 'class' if inspect.isclass(sym) else 'def', [name for name, _ in text.params]
    line = f"{kind} {sym.__name__}({', '.join(names)})"
    if len(line) > 88: line = f"{kind} {sym.__name__}(\n    " + ',\n    '.join(names) + ')'
    shown = lambda value: '' if value is empty else f"`{getattr(value, '__name__', None) or repr(value)}`"
    rows = [(f'`{name}`', shown(p.get('default', empty)), p.get('docment') or '') for name, p in params.items()]
    returns = kind == 'def' and re.search(r'^ *\)[^#\n]*: *# *(.+)$', inspect.getsource(sym), flags=re.M)  # `):  # what comes back`
    if returns: rows.append(('returns', '', returns[1]))
    columns = [0, 1, 2] if any(row[1] for row in rows) else [0, 2]
    head = [['parameter', 'default', 'meaning'], [':--']*3]
    table = '\n'.join('| ' + ' | '.join(' '.join(row[c].replace('|', r'\|').split()) for c in columns) + ' |' for row in head + rows)
    url, name = NbdevLookup().code(renderer.fn), renderer.nm.replace('__', r'\_\_')
    source = f'[source]({url}){{style="float:right; font-size:smaller"}}\n\n' if url else ''
    return f"---\n\n{source}{'#'*renderer.title_level} {name}\n\n```python\n{line}\n```\n\n{renderer.docs}\n\n{table if any(row[2] for row in rows) else ''}\n"

def process():
    "The notebooks as pages in _proc/, with API entries filled in and names in backticks linked."
    os.chdir(repo)
    sys.path.insert(0, str(repo))
    import nbdev.doclinks
    from nbdev.config import get_config
    from nbdev.quarto import nbdev_sidebar, refresh_quarto_yml
    from nbdev.serve import proc_nbs
    from nbdev.showdoc import BasicMarkdownRenderer
    lib = get_config().lib_path.name
    nbdev.doclinks.entry_points = lambda group: [SimpleNamespace(name=lib, load=index)]  # installed or not
    BasicMarkdownRenderer._repr_markdown_ = entry
    refresh_quarto_yml()
    nbdev_sidebar.__wrapped__()
    return Path(proc_nbs(n_workers=0, force=True)), get_config()

def localise(proc, cfg):
    "Name pages as Quarto does (02_cell.ipynb becomes cell.html; smalldocs does not read nbdev's output-file), and link them relatively."
    numbered = {p.name: p.name.partition('_')[2] for p in proc.rglob('[0-9][0-9]_*.ipynb')}
    for path in [*proc.rglob('*.ipynb'), proc/'sidebar.yml']:
        text = path.read_text(encoding='utf-8').replace(f'{cfg.doc_host}{cfg.doc_baseurl}/', '')
        for old, new in numbered.items(): text = re.sub(rf'\b{old}\b', new, text)
        path.write_text(text, encoding='utf-8')
        if path.name in numbered: path.rename(path.with_name(numbered[path.name]))
    return proc

def render(proc):
    "_proc/ as a site, moved to _docs/."
    command = [sys.executable, '-m', 'smalldocs.cli', 'render', '--quiet', str(proc)]
    done = subprocess.run(command, cwd=repo, stderr=subprocess.PIPE, text=True)
    expected = ('output-file is not read', 'keep-md is ignored', 'format commonmark is not built')
    for line in done.stderr.splitlines():
        if not any(e in line for e in expected): print(line, file=sys.stderr)
    if done.returncode: sys.exit('smalldocs could not render the site: see above')
    shutil.rmtree(repo/'_docs', ignore_errors=True)
    shutil.move(proc/'_docs', repo/'_docs')
    return repo/'_docs'

def mathml(match):
    "One formula as MathML, its source kept as alttext."
    from latex2mathml.converter import convert
    kind, tex = match[1], unescape(match[2]).strip()
    try: math = convert(tex, display='block' if kind == 'display' else 'inline')
    except Exception as e: raise SystemExit(f'formula {tex!r} cannot be converted to MathML: {type(e).__name__} {e}')
    return f'<span class="math {kind}">{math.replace("<math ", f"<math alttext={chr(34)}{escape(tex)}{chr(34)} ", 1)}</span>'

def formulas(site):
    "Replace every formula of the built pages, and drop the script that would have drawn it."
    count = 0
    for page in sorted(site.rglob('*.html')):
        text, n = formula.subn(mathml, page.read_text(encoding='utf-8'))
        page.write_text(katex.sub('', text), encoding='utf-8')
        count += n
    return count

def main():
    site = render(localise(*process()))
    count = formulas(site)
    print(f"_docs: {len(list(site.rglob('*.html')))} pages, {count} formulas", flush=True)
    return subprocess.run([sys.executable, str(repo/'.ci'/'check_docs.py'), *sys.argv[1:]]).returncode

if __name__ == '__main__': sys.exit(main())
