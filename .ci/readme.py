"""Make README.md and index_files/ from nbs/index.ipynb, without Quarto.

    python .ci/readme.py            write them
    python .ci/readme.py --check    exit with 1 if they are not in step"""
import re, sys
from pathlib import Path

repo = Path(__file__).resolve().parent.parent
figures = 'index_files'
directive = re.compile(r'^\s*#\s*\|\s*(.+?)\s*\n?$')

def split_directives(source):
    "The directives of a cell as a dict, and the source without them."
    lines = source.splitlines(keepends=True)
    found = [match[1] for line in lines if (match := directive.match(line))]
    names = dict((name.strip(), value.strip()) for name, _, value in (f.partition(':') for f in found))
    return names, ''.join(line for line in lines if not directive.match(line)).strip('\n')

def render():
    "README's text, and its figures as {name: bytes}."
    import nbformat
    from nbconvert import MarkdownExporter
    nb = nbformat.read(repo/'nbs'/'index.ipynb', as_version=4)
    cells, captions = [], []
    for cell in nb.cells:
        if cell.cell_type == 'code':
            names, cell.source = split_directives(cell.source)
            if 'hide' in names or names.get('include') == 'false' or 'nbdev_export' + '(' in cell.source: continue
            if names.get('output') == 'false': cell.outputs = []
            cell.outputs = [o for o in cell.outputs if o.get('name') != 'stderr']
            caption = names.get('fig-alt') or names.get('fig-cap') or 'figure'
            captions += [caption.strip('"\'')]*sum('image/png' in o.get('data', {}) for o in cell.outputs)
            if names.get('echo') == 'false' or 'hide_input' in names:
                cell.metadata['transient'] = {'remove_source': True}  # what nbconvert's template looks at
        cells.append(cell)
    nb.cells = cells
    nb.metadata['language_info'] = {'name': 'python'}  # the language of the fenced blocks
    text, resources = MarkdownExporter().from_notebook_node(nb, resources={'output_files_dir': figures})
    alts = iter(captions)
    text = re.sub(r'!\[png\]', lambda _: f"![{next(alts, 'figure')}]", text)
    text = re.sub(r'\]\((?![a-z]+:|#|/|index_files/)([\w./-]+\.ipynb)', r'](nbs/\1', text)  # links between notebooks
    text = re.sub(r'[ \t]+$', '', text, flags=re.M)
    text = re.sub(r'\n{3,}', '\n\n', text).strip('\n') + '\n'
    return text, {Path(name).name: data for name, data in resources['outputs'].items()}

def problems():
    "What is out of step, one line each."
    text, images = render()
    saved = {p.name: p.read_bytes() for p in sorted((repo/figures).glob('*'))}
    readme = repo/'README.md'
    if not readme.is_file() or readme.read_text(encoding='utf-8') != text: yield 'README.md differs from nbs/index.ipynb'
    if saved != images: yield f"{figures}/ differs from nbs/index.ipynb"
    for target in re.findall(r'\]\((?![a-z]+:|#)([^)#\s]+)', text):
        if not (repo/target).exists() and Path(target).name not in images: yield f'README.md links to {target}, which does not exist'

def main():
    if '--check' in sys.argv[1:]:
        found = list(problems())
        print('\n'.join(found) or 'README.md is in step with nbs/index.ipynb')
        return 1 if found else 0
    text, images = render()
    (repo/'README.md').write_text(text, encoding='utf-8')
    for old in (repo/figures).glob('*'): old.unlink()
    for name, data in images.items():
        (repo/figures).mkdir(exist_ok=True)
        (repo/figures/name).write_bytes(data)
    if not images and (repo/figures).is_dir(): (repo/figures).rmdir()
    print(f'README.md and {len(images)} figures written')

if __name__ == '__main__': sys.exit(main())
