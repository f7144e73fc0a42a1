"""Make README.md and index_files/ from nbs/index.ipynb, without Quarto.

    python .ci/readme.py            write them
    python .ci/readme.py --check    exit with 1 if they are not in step"""
import re, sys
from pathlib import Path

repo = Path(__file__).resolve().parent.parent
figures = 'index_files'

def split_directives(source):
    "The directives of a cell as a dict, and the source without them."
    directive = re.compile(r'^#\s*\|\s*([\w-]+):?[ \t]*(.*)\n?', flags=re.M)
    return dict(directive.findall(source)), directive.sub('', source).strip('\n')

def shown(cells):
    "The cells that a reader sees, without directives and hidden parts, and the captions of their figures."
    kept, captions = [], []
    for cell in cells:
        if cell.cell_type == 'code':
            names, cell.source = split_directives(cell.source)
            if 'hide' in names or names.get('include') == 'false' or 'nbdev_export(' in cell.source: continue
            cell.outputs = [o for o in cell.outputs if o.get('name') != 'stderr' and names.get('output') != 'false']
            caption = names.get('fig-alt') or names.get('fig-cap') or 'figure'
            captions += [caption.strip('"\'')]*sum('image/png' in o.get('data', {}) for o in cell.outputs)
            hidden = names.get('echo') == 'false' or 'hide_input' in names
            cell.metadata['transient'] = {'remove_source': hidden}  # what nbconvert's template looks at
        kept.append(cell)
    return kept, captions

def render():
    "README's text, and its figures as {name: bytes}."
    import nbformat
    from nbconvert import MarkdownExporter
    nb = nbformat.read(repo/'nbs'/'index.ipynb', as_version=4)
    nb.cells, captions = shown(nb.cells)
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
    saved = {p.name: p.read_bytes() for p in (repo/figures).glob('*')}
    if (repo/'README.md').read_text(encoding='utf-8') != text: yield 'README.md differs from nbs/index.ipynb'
    if saved != images: yield f'{figures}/ differs from nbs/index.ipynb'
    for target in re.findall(r'\]\((?![a-z]+:|#)([^)#\s]+)', text):
        if not (repo/target).exists(): yield f'README.md links to {target}, which does not exist'

def main():
    if '--check' in sys.argv[1:]:
        found = list(problems())
        print('\n'.join(found) or 'README.md is in step with nbs/index.ipynb')
        return 1 if found else 0
    text, images = render()
    (repo/'README.md').write_text(text, encoding='utf-8')
    (repo/figures).mkdir(exist_ok=True)
    for old in (repo/figures).glob('*'): old.unlink()
    for name, data in images.items(): (repo/figures/name).write_bytes(data)
    print(f'README.md and {len(images)} figures written')

if __name__ == '__main__': sys.exit(main())
