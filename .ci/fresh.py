"""Tell whether the saved outputs of a notebook come from its code of today.

The executor writes two digests into a notebook's metadata: `all` where it ran every cell, `fast` where it left out those
marked `#| slow`. They cover the code of the cells, of every module of charrnn that they reach through imports, and the
files in nbs/runs that they name. Comments, docstrings and directives do not count."""
import ast, hashlib, io, json, re, tokenize
from functools import cache
from pathlib import Path

repo = Path(__file__).resolve().parent.parent
key = 'outputs'

def essence(source):
    "Code without comments, docstrings and blank lines."
    source = re.sub(r'^\s*[%!].*$', '', source, flags=re.M)
    lines = [line.encode() for line in source.splitlines()]
    spans = [(node.body[0].lineno, node.body[0].col_offset, node.body[0].end_lineno, node.body[0].end_col_offset)
             for node in ast.walk(ast.parse(source))
             if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None]
    for t in tokenize.generate_tokens(io.StringIO(source).readline):
        if t.type == tokenize.COMMENT:
            begin = len(lines[t.start[0] - 1].decode()[:t.start[1]].encode())
            spans.append((t.start[0], begin, t.end[0], begin + len(t.string.encode())))
    for first, begin, last, end in sorted(spans, reverse=True):
        lines[first - 1:last] = [lines[first - 1][:begin] + lines[last - 1][end:]]
    return b'\n'.join(line.rstrip() for line in lines if line.strip())

def imports(source):
    "Names of the modules of charrnn that a source imports from."
    for node in ast.walk(ast.parse(re.sub(r'^\s*[%!].*$', '', source, flags=re.M))):
        if not isinstance(node, ast.ImportFrom): continue
        name = ('charrnn.' if node.level else '') + (node.module or '')
        if name.strip('.') == 'charrnn': yield from (public()[a.name] for a in node.names if a.name in public())
        elif name.startswith('charrnn.'): yield name.split('.')[1]

@cache
def public():
    "{public name: its module}"
    tree = ast.parse((repo/'charrnn'/'__init__.py').read_text(encoding='utf-8'))
    return {a.name: n.module for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}

@cache
def module(name):
    "The code of a module, and the modules that it imports."
    source = (repo/'charrnn'/f'{name}.py').read_text(encoding='utf-8')
    return essence(source), frozenset(imports(source))

def left_out(source, slow):
    "Is a cell with this source not executed?"
    return re.search(r'nbdev_export\(|^#\s*\|\s*eval: false' + ('' if slow else r'|^#\s*\|\s*slow\b'), source, flags=re.M)

def digest(cells, slow):
    "That of a notebook's code, with its slow cells or without."
    sources = [''.join(c['source']) for c in cells if c['cell_type'] == 'code']
    sources = [s for s in sources if not left_out(s, slow)]
    found, todo = hashlib.sha256(b'\n'.join(map(essence, sources))), {name for s in sources for name in imports(s)}
    seen = set()
    while new := todo - seen:
        seen |= new
        todo = {other for name in new for other in module(name)[1]}
    for name in sorted(seen): found.update(module(name)[0])
    for file in sorted({f for s in sources for f in re.findall(r'runs/\w+\.\w+', s)}):
        if (path := repo/'nbs'/file).exists(): found.update(path.read_bytes())
    return found.hexdigest()[:16]

def has_slow(cells): return any(re.search(r'^#\s*\|\s*slow\b', ''.join(c['source']), flags=re.M) for c in cells)

def mark(nb, slow):
    "Write into a notebook that it has just been executed."
    kinds = ('all', 'fast') if slow or not has_slow(nb['cells']) else ('fast',)
    kept = nb['metadata'].get(key, {})
    nb['metadata'][key] = kept | {kind: digest(nb['cells'], kind == 'all') for kind in kinds}

def stale(path, slow):
    "Are its outputs older than its code, those of slow cells too?"
    nb = json.loads(path.read_text(encoding='utf-8'))
    kind = 'all' if slow else 'fast'
    if not any(c['cell_type'] == 'code' for c in nb['cells']) or slow and not has_slow(nb['cells']): return False
    return nb['metadata'].get(key, {}).get(kind) != digest(nb['cells'], slow)
