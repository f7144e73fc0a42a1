"""What must hold before a change is committed.

    python .ci/check.py [--no-test] [--release]

--no-test leaves out the notebooks' own tests (nbdev_test); for a --release the outputs of slow cells must be fresh too.

A line per check, then `N passed, M failed`; the exit status is 1 if anything failed."""
import ast, json, os, re, subprocess, sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import fresh, readme

repo = Path(__file__).resolve().parent.parent
notebooks = sorted((repo/'nbs').glob('[!_.]*.ipynb'))
numbered = [p for p in notebooks if re.match(r'\d\d_', p.name)]
machine_path = re.compile(r'(?<![\w.:/])/(?:work|tmp|root|home)\b[\w./-]*')
floors = ['chapter', 'beyond', 'engine room', 'tools']
engine_words = re.compile(r'\b(custom_vjp|custom_jvp|defvjp|defjvp|compiler_options|associative_scan)\b|\bunroll=\d')

class Cell:
    "A cell of a notebook: its place, source, kind and outputs."
    def __init__(self, path, i, cell):
        self.where, self.kind, self.outputs = f'{path.name} cell {i}', cell['cell_type'], cell.get('outputs', [])
        self.source = ''.join(cell['source'])
        self.directives = re.findall(r'^#\s*\|\s*(\w+)', self.source, flags=re.M)
        self.exported = any(d in ('export', 'exports', 'exporti') for d in self.directives)
        self.lines = [line for line in self.source.splitlines() if line.strip() and not re.match(r'#\s*\|', line)]
        self.tree = ast.parse(re.sub(r'^\s*[%!].*$', '', self.source, flags=re.M)) if self.kind == 'code' else None
        self.exports_modules = 'nbdev_export(' in self.source

def cells(path, kind='code'):
    found = (Cell(path, i, cell) for i, cell in enumerate(json.loads(path.read_text(encoding='utf-8'))['cells']))
    return [cell for cell in found if kind in ('all', cell.kind)]

def command(name, *args):
    "Run a console script of this Python's environment in the repository; its output follows if it fails."
    done = subprocess.run([str(Path(sys.executable).parent/name), *args], cwd=repo, capture_output=True, text=True)
    return [] if done.returncode == 0 else [f'{name} failed:', *(done.stdout + done.stderr).strip().splitlines()[-40:]]

def contents():
    files = [p for folder in ('charrnn', 'nbs') for p in (repo/folder).rglob('*') if p.suffix in ('.py', '.ipynb')]
    return {p.relative_to(repo).as_posix(): p.read_bytes() for p in files}

def in_step():
    "nbdev_export and nbdev_clean leave no difference"
    before = contents()
    yield from command('nbdev_export')
    yield from command('nbdev_clean')
    after = contents()
    yield from (f'{name} changed' for name in sorted({*before, *after}) if before.get(name) != after.get(name))

def imported(cell):
    "Names of the project's modules that a cell imports: '' is charrnn itself."
    for node in ast.walk(cell.tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ''] if isinstance(node, ast.ImportFrom) else []
        yield from (name.removeprefix('charrnn').lstrip('.').split('.')[0] for name in names if name.split('.')[0] == 'charrnn')

def may_import(own, other):
    "The floors: a module imports the engine room, and lower numbers of its own floor and of those below it."
    return other // 10 == 2 or own // 10 != 2 and other < own

def on_their_floors():
    "exported cells import the engine room and lower floors only, without a circle"
    numbers = {m[1]: int(p.name[:2]) for p in numbered for cell in cells(p) if (m := re.search(r'#\| default_exp (\w+)', cell.source))}
    graph = {name: set() for name in numbers}
    for path in numbered:
        own = int(path.name[:2])
        module = next((name for name, n in numbers.items() if n == own), None)
        for cell in cells(path):
            if not cell.exported: continue
            for name in imported(cell):
                if name not in numbers: yield f'{cell.where}: imports charrnn.{name or "itself"}, which is no module of a notebook'
                elif not may_import(own, numbers[name]): yield f'{cell.where}: the {floors[own // 10]} floor may not import charrnn.{name}'
                else: graph[module].add(name)
    try: TopologicalSorter(graph).prepare()
    except CycleError as e: yield f'imports in a circle: {", ".join(e.args[1])}'

def kept_small():
    "exported cells have at most 30 lines (the Trainer 45); lines at most 120 characters, 100 in what a chapter shows but does not export"
    for path in numbered:
        for cell in cells(path):
            most = 45 if 'class Trainer:' in cell.source else 30
            if cell.exported and len(cell.lines) > most: yield f'{cell.where}: {len(cell.lines)} lines; expected at most {most}'
            shown = path.name[0] == '0' and not {'hide', 'slow', 'code', 'eval'} & set(cell.directives) and 'test_fail' not in cell.source
            for line in cell.source.splitlines():
                if line.startswith('#|'): continue
                if len(line) > (limit := 100 if shown else 120): yield f'{cell.where}: a line of {len(line)} characters; expected at most {limit}: {line.strip()[:50]}'

def engine_in_its_room():
    "no custom derivative, compiler option or chunking outside the engine room"
    for path in numbered:
        for cell in cells(path):
            if path.name[0] != '2' and cell.exported and (found := engine_words.search(cell.source)): yield f'{cell.where}: {found[0]}'

def one_patch():
    "no @patch but predict"
    for path in numbered:
        for cell in cells(path):
            if re.search(r'^@patch\b(?!\ndef predict\b)', cell.source, flags=re.M): yield f'{cell.where}: @patch'

def few_names():
    "fewer than 40 public names"
    if (n := len(fresh.public())) >= 40: yield f'{n} names in charrnn/__init__.py'

def pure_imports():
    "cells that import hold imports and nothing else"
    for path in numbered:  # the documentation build runs these cells alone
        for cell in cells(path):
            if 'eval' in cell.directives: continue
            kinds = {isinstance(n, (ast.Import, ast.ImportFrom)) for n in cell.tree.body}
            if len(kinds) > 1 and not cell.exported and not cell.exports_modules: yield f'{cell.where}: imports mixed with other code'

def executed():
    "every notebook is executed, its outputs saved, none an error or a warning"
    for path in notebooks:
        found = cells(path)
        if not any(cell.outputs for cell in found) and len(found) > 4: yield f'{path.name}: no saved output'
        for cell in found:
            if any(o['output_type'] == 'error' for o in cell.outputs): yield f'{cell.where}: saved output is an error'
            if any(o.get('name') == 'stderr' for o in cell.outputs): yield f'{cell.where}: saved output holds stderr'
            calls = (n.value.func for n in cell.tree.body if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call))
            shows = 'label: fig-' in cell.source or any(getattr(f, 'id', '') in ('print', 'show_doc') for f in calls)
            ends = [n.value for n in cell.tree.body[-1:] if isinstance(n, ast.Expr) and not cell.source.rstrip().endswith(';')]
            shows |= 'eval' not in cell.directives and any(not isinstance(v, ast.Call) for v in ends)
            if shows and not cell.outputs: yield f'{cell.where}: not executed'
            runs = [n for n in cell.tree.body if isinstance(n, (ast.Expr, ast.For, ast.With))]
            prints = any(getattr(getattr(n, 'func', None), 'id', '') == 'print' for top in runs for n in ast.walk(top))
            text = ''.join(''.join(o.get('text', '')) for o in cell.outputs).strip()
            if prints and cell.outputs and not text: yield f'{cell.where}: prints, but no text is saved (a last ; hides it)'

def up_to_date():
    "saved outputs come from the code of today"
    command = 'python .ci/execute.py --stale'
    for path in notebooks:
        if fresh.stale(path, False): yield f'{path.name}: outputs are older than the code; run {command}'
        elif fresh.stale(path, True):
            older = f'{path.name}: outputs of slow cells are older than the code; run {command} --slow'
            if '--release' in sys.argv: yield older
            else: print(f'warn {older}')

def no_paths():
    "no path of somebody's machine in sources and outputs"
    for path in notebooks:
        for cell in cells(path, 'all'):
            shown = [o.get('text', '') for o in cell.outputs] + [v for o in cell.outputs for k, v in o.get('data', {}).items() if k.startswith('text/')]
            yield from (f'{cell.where}: {found}' for found in machine_path.findall('\n'.join([cell.source, *map(''.join, shown)])))

def linted():
    "ruff finds nothing in modules and notebooks"
    return command('ruff', 'check', '--quiet', 'charrnn', 'nbs', '.ci')

def typed():
    "mypy finds nothing in the modules"
    return command('mypy', 'charrnn')

def tests():
    "nbdev_test passes"
    # JAX keeps what it compiles, so that the next tests need two thirds of the time
    os.environ.setdefault('JAX_COMPILATION_CACHE_DIR', str(repo/'.jax_cache'))
    os.environ.setdefault('JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS', '0.1')
    return command('nbdev_test', '--n_workers', '2')

def readme_in_step():
    "README.md is in step with index.ipynb"
    return readme.problems()

def main():
    checks = [in_step, on_their_floors, kept_small, engine_in_its_room, one_patch, few_names, pure_imports, executed, up_to_date, readme_in_step, no_paths, linted, typed]
    if '--no-test' not in sys.argv[1:]: checks.append(tests)
    passed = failed = 0
    for check in checks:
        wrong, weight = list(check()), len(notebooks) if check is tests else 1
        passed, failed = (passed, failed + 1) if wrong else (passed + weight, failed)
        print(f"{'FAIL' if wrong else 'ok  '} {check.__doc__}" + (f' ({weight} notebooks)' if check is tests else ''), *wrong, sep='\n       ', flush=True)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0

if __name__ == '__main__': sys.exit(main())
