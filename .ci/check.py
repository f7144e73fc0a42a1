"""What must hold before a change is committed.

    python .ci/check.py [--no-test]     --no-test leaves out the notebooks' own tests (nbdev_test)

A line per check, then `N passed, M failed`; the exit status is 1 if anything failed."""
import ast, hashlib, json, re, subprocess, sys
from pathlib import Path

import readme

repo = Path(__file__).resolve().parent.parent
notebooks = sorted((repo/'nbs').glob('[!_.]*.ipynb'))
numbered = [p for p in notebooks if re.match(r'\d\d_', p.name)]
machine_path = re.compile(r'(?<![\w.:/])/(?:work|tmp|root|home)\b[\w./-]*')

def cells(path, kind='code'):
    "The cells of one kind as (position, source, outputs)."
    for i, cell in enumerate(json.loads(path.read_text(encoding='utf-8'))['cells']):
        if cell['cell_type'] == kind: yield i, ''.join(cell['source']), cell.get('outputs', [])

def tree(source):
    "Syntax of a cell, its magics left out."
    return ast.parse(re.sub(r'^\s*[%!].*$', '', source, flags=re.M))

def command(name, *args):
    "Run a console script of this Python's environment in the repository; its output follows if it fails."
    done = subprocess.run([str(Path(sys.executable).parent/name), *args], cwd=repo, capture_output=True, text=True)
    return [] if done.returncode == 0 else [f'{name} failed:', *(done.stdout + done.stderr).strip().splitlines()[-40:]]

def digests():
    files = [p for folder in ('charrnn', 'nbs') for p in (repo/folder).rglob('*') if p.suffix in ('.py', '.ipynb')]
    return {p.relative_to(repo).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

def in_step():
    "nbdev_export and nbdev_clean leave no difference"
    before = digests()
    yield from command('nbdev_export')
    yield from command('nbdev_clean')
    after = digests()
    yield from (f'{name} changed' for name in sorted({*before, *after}) if before.get(name) != after.get(name))

def imports(node):
    "Names of the project's modules that an import brings: '' is charrnn itself."
    names = [a.name for a in node.names] if isinstance(node, ast.Import) else [f"{'charrnn.' if node.level else ''}{node.module or ''}"]
    for name in names:
        package, _, module = name.partition('.')
        if package == 'charrnn': yield module.split('.')[0]

def one_way():
    "a notebook imports only from lower-numbered ones"
    order = {p.stem[3:]: int(p.stem[:2]) for p in numbered}
    for path in notebooks:
        own = int(path.stem[:2]) if path in numbered else len(order) + 100
        for i, source, _ in cells(path):
            for node in ast.walk(tree(source)):
                if not isinstance(node, (ast.Import, ast.ImportFrom)): continue
                for name in imports(node):
                    if not name and path.stem != 'index': yield f'{path.name} cell {i}: imports from charrnn itself, which only index may'
                    elif name and order.get(name, 1000) >= own: yield f'{path.name} cell {i}: imports charrnn.{name}, which is not lower-numbered'

def pure_imports():
    "cells that import hold imports and nothing else"
    for path in numbered:  # the documentation build runs these cells alone
        for i, source, _ in cells(path):
            nodes, body = list(ast.walk(tree(source))), tree(source).body
            exported = re.search(r'^#\s*\|\s*(exports?|exporti)\b', source, flags=re.M)
            if exported or 'nbdev_export' + '(' in source or not any(isinstance(n, (ast.Import, ast.ImportFrom)) for n in nodes): continue
            if not all(isinstance(n, (ast.Import, ast.ImportFrom)) for n in body): yield f'{path.name} cell {i}: imports mixed with other code'

def executed():
    "every notebook is executed, its outputs saved, none an error"
    for path in notebooks:
        found = list(cells(path))
        if not any(outputs for *_, outputs in found): yield f'{path.name}: no saved output'
        for i, source, outputs in found:
            if any(o['output_type'] == 'error' for o in outputs): yield f'{path.name} cell {i}: saved output is an error'
            calls = (n.value.func for n in tree(source).body if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call))
            if not outputs and any(getattr(f, 'id', '') in ('print', 'show_doc') for f in calls): yield f'{path.name} cell {i}: not executed'

def no_paths():
    "no path of somebody's machine in sources and outputs"
    for path in notebooks:
        for kind in ('code', 'markdown'):
            for i, source, outputs in cells(path, kind):
                shown = [o.get('text', '') for o in outputs] + [v for o in outputs for k, v in o.get('data', {}).items() if k.startswith('text/')]
                text = '\n'.join([source, *(''.join(s) for s in shown)])
                yield from (f'{path.name} cell {i}: {found}' for found in machine_path.findall(text))

def tests():
    "nbdev_test passes"
    return command('nbdev_test', '--n_workers', '2')

def readme_in_step():
    "README.md is in step with index.ipynb"
    return readme.problems()

def main():
    checks = [in_step, one_way, pure_imports, executed, readme_in_step, no_paths] + ([] if '--no-test' in sys.argv[1:] else [tests])
    passed = failed = 0
    for check in checks:
        wrong, weight = list(check()), len(notebooks) if check is tests else 1
        passed, failed = (passed, failed + 1) if wrong else (passed + weight, failed)
        print(f"{'FAIL' if wrong else 'ok  '} {check.__doc__}" + (f' ({weight} notebooks)' if check is tests else ''), *wrong, sep='\n       ', flush=True)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0

if __name__ == '__main__': sys.exit(main())
