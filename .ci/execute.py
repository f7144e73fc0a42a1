"""Execute notebooks from top to bottom and save their outputs in place.

    python .ci/execute.py [--slow] [NOTEBOOK...]     all notebooks of nbs/ by default

Stops at the first error and then leaves that notebook as it was. Each notebook runs in a process of its own, in nbs/.
Cells that call nbdev_export are not run; cells marked `#| slow` run with --slow only, else keep the outputs they have."""
import argparse, os, re, subprocess, sys, time
from pathlib import Path

repo = Path(__file__).resolve().parent.parent

def skipped(cell, slow):
    "Is this cell left alone, its saved outputs too?"
    if cell.cell_type != 'code' or 'nbdev_export' + '(' in cell.source: return True
    directives = re.findall(r'^\s*#\s*\|\s*(.+?)\s*$', cell.source, flags=re.M)
    return 'eval: false' in directives or ('slow' in directives and not slow)

def execute(path, slow):
    "Run one notebook in this process and save it, cleaned; raises what a cell raises."
    os.environ['PYTHONPATH'] = os.pathsep.join([str(repo), os.environ.get('PYTHONPATH', '')]).rstrip(os.pathsep)
    sys.path.insert(0, str(repo))
    os.chdir(path.parent)
    from execnb.nbio import read_nb, write_nb
    from execnb.shell import CaptureShell
    from nbdev.clean import clean_nb
    nb = read_nb(path)
    shell = CaptureShell(path)
    for cell in nb.cells:
        if not skipped(cell, slow): cell.outputs = []  # execnb keeps old outputs where a cell has no new ones
    try: shell.run_all(nb, exc_stop=True, preproc=lambda cell: skipped(cell, slow))
    except Exception:
        sys.exit(shell.prettytb(fname=path.name))
    for cell in nb.cells:
        for out in cell.get('outputs', []):  # of a progress bar, which writes over itself, keep what is seen in the end
            if out.get('output_type') == 'stream': out['text'] = re.sub(r'^.*\r(?!\n)', '', ''.join(out['text']), flags=re.M).splitlines(True)
    clean_nb(nb)
    write_nb(nb, path)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('notebooks', nargs='*', type=Path)
    parser.add_argument('--slow', action='store_true', help='run the cells marked `#| slow` too')
    args = parser.parse_args()
    paths = [p.resolve() for p in args.notebooks] or sorted((repo/'nbs').glob('[!_.]*.ipynb'))
    if missing := [p.name for p in paths if not p.is_file()]: parser.error(f"no such notebook: {', '.join(missing)}")
    if len(paths) == 1: return execute(paths[0], args.slow)
    for path in paths:
        start = time.time()
        command = [sys.executable, __file__, str(path), *(['--slow'] if args.slow else [])]
        if subprocess.run(command).returncode: sys.exit(f'{path.name}: stopped at an error, the notebook is as it was')
        print(f'{path.name}: executed in {time.time() - start:.0f} s', flush=True)

if __name__ == '__main__': main()
