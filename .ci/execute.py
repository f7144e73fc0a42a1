"""Execute notebooks from top to bottom and save their outputs in place.

    python .ci/execute.py [--slow] [--stale] [NOTEBOOK...]     all notebooks of nbs/ by default

Stops at the first error and then leaves that notebook as it was. Each notebook runs in a process of its own, in nbs/.
Cells that call nbdev_export are not run. Cells marked `#| slow` run with --slow only, else keep their outputs.
With --stale it takes only those whose outputs are older than their code, see fresh.py."""
import argparse, os, re, subprocess, sys, time
from pathlib import Path

import fresh

repo = Path(__file__).resolve().parent.parent

def execute(path, slow):
    "Run one notebook in this process and save it, cleaned."
    os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, (str(repo), os.environ.get('PYTHONPATH'))))
    sys.path.insert(0, str(repo))
    os.chdir(path.parent)
    from execnb.nbio import read_nb, write_nb
    from execnb.shell import CaptureShell
    from nbdev.clean import clean_nb
    nb, shell = read_nb(path), CaptureShell(path)
    skipped = lambda cell: cell.cell_type != 'code' or fresh.left_out(cell.source, slow)
    for cell in nb.cells:
        if not skipped(cell): cell.outputs = []  # execnb keeps old outputs where a cell has no new ones
    try: shell.run_all(nb, exc_stop=True, preproc=skipped)
    except Exception: sys.exit(shell.prettytb(fname=path.name))
    for out in (out for cell in nb.cells for out in cell.get('outputs', []) if out['output_type'] == 'stream'):
        text = ''.join(out['text']).replace('\r\n', '\n')
        if '\r' in text: out['name'] = 'stdout'                # a progress bar, of which the end is seen
        out['text'] = re.sub(r'^.*\r', '', text, flags=re.M).splitlines(keepends=True)
    fresh.mark(nb, slow)
    clean_nb(nb, allowed_metadata_keys=[fresh.key])
    write_nb(nb, path)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('notebooks', nargs='*', type=Path)
    parser.add_argument('--slow', action='store_true', help='run the cells marked `#| slow` too')
    parser.add_argument('--stale', action='store_true', help='only where outputs are older than the code')
    args = parser.parse_args()
    paths = [p.resolve() for p in args.notebooks] or sorted((repo/'nbs').glob('[!_.]*.ipynb'))
    if missing := [p.name for p in paths if not p.is_file()]: parser.error(f"no such notebook: {', '.join(missing)}")
    if args.stale: paths = [p for p in paths if fresh.stale(p, args.slow)]
    if len(paths) == 1: return execute(paths[0], args.slow)
    for path in paths:
        start = time.time()
        command = [sys.executable, __file__, str(path), *(['--slow'] if args.slow else [])]
        if subprocess.run(command).returncode: sys.exit(f'{path.name}: stopped at an error, the notebook is as it was')
        print(f'{path.name}: executed in {time.time() - start:.0f} s', flush=True)

if __name__ == '__main__': main()
