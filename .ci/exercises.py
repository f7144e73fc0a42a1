"""Check the exercises: each test must fail on its starter and pass on its solution.

    python .ci/exercises.py [NOTEBOOK ...]     all pages of nbs/ by default

On a page, a Markdown cell begins an exercise with `**3.**`; if it is one in code, a cell that begins with `# Exercise 3`
is the starter and one with `# Exercise 3, test` the test. nbs/_solutions/ has a notebook of the same name in which
`**3.**` is answered in words, or `# Exercise 3` begins a cell with the code."""
import json, os, re, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

repo = Path(__file__).resolve().parent.parent
head = re.compile(r'(?:#\|[^\n]*\n)*# Exercise (\d+)(, test)?\n')

def read(path):
    "Numbers of the exercises in words, starters and tests {number: code} of a notebook."
    words, starters, tests = [], {}, {}
    for cell in json.loads(path.read_text(encoding='utf-8'))['cells'] if path.exists() else []:
        source = ''.join(cell['source'])
        if cell['cell_type'] == 'markdown': words += map(int, re.findall(r'^\*\*(\d+)\.\*\*', source, flags=re.M))
        elif m := head.match(source): (tests if m[2] else starters)[int(m[1])] = source
    return words, starters, tests

def passes(code):
    "Whether code runs to its end in a process of its own; what it says if not."
    env = {**os.environ, 'PYTHONPATH': str(repo), 'MPLBACKEND': 'agg', 'JAX_PLATFORMS': 'cpu'}
    done = subprocess.run([sys.executable, '-c', code], cwd=repo/'nbs', env=env, capture_output=True, text=True, timeout=120)
    return done.returncode == 0, done.stderr.strip().splitlines()[-1:]

def check(path):
    "What is wrong with a page's exercises, and how many there are, in all and in code."
    (words, starters, tests), (told, solved, _) = read(path), read(path.parent/'_solutions'/path.name)
    wrong = [] if words == [*range(1, len(words) + 1)] else [f'numbered {words}; expected 1, 2, 3 ...']
    wrong += [f'exercise {n} has no solution' for n in words if n not in {*told, *solved}]
    wrong += [f'exercise {n}: a starter without a test, or the reverse' for n in sorted({*starters} ^ {*tests})]
    for n in sorted({*tests} & {*starters}):
        if n not in solved: wrong.append(f'exercise {n} has no solution in code')
        elif not (result := passes(solved[n] + '\n' + tests[n]))[0]: wrong.append(f'exercise {n}: the solution fails: {result[1]}')
        if passes(starters[n] + '\n' + tests[n])[0]: wrong.append(f'exercise {n}: the test passes on the starter')
    return wrong, len(words), len(tests)

def main():
    pages = [Path(p).resolve() for p in sys.argv[1:]] or sorted((repo/'nbs').glob('[0-9]*.ipynb'))
    failed = passed = 0
    with ThreadPoolExecutor(2) as pool: results = [*pool.map(check, pages)]
    for path, (wrong, n, coded) in zip(pages, results):
        if not n and not wrong: continue
        failed, passed = failed + bool(wrong), passed + (not wrong)
        print(f"{'FAIL' if wrong else 'ok  '} {path.name}: {n} exercises, {coded} with a test", *wrong, sep='\n       ', flush=True)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0

if __name__ == '__main__': sys.exit(main())
