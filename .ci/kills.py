"""Kill training runs at random moments, go on with them, and compare what comes out with a run that was never stopped.

    python .ci/kills.py [--kills 200] [--seed 0] [--folder DIR]

Three configurations take turns. With --folder, a script that was stopped goes on where it was. Each finished run is a
line; the last says `N passed, M failed`. A run passes if its model file is that of the run never stopped, byte for byte,
and if every state that it went on from could be read."""
import argparse, os, random, subprocess, sys, tempfile, time
from pathlib import Path

repo = Path(__file__).resolve().parent.parent
common = 'words.txt --letters --batch-size 8 --num-steps 16 --num-preds 5 --save-minutes 0'
configurations = {
    'GRU, streams, DropConnect': '--streams --cell gru --drop-connect 0.2 --optimizer adamw --lr 0.01 --max-epochs 60',
    'LSTM of two layers, windows, dropout': '--no-streams --cell lstm --num-layers 2 --dropout 0.2 --optimizer adamw '
                                            '--lr 0.01 --max-epochs 2 --val-every 100',
    'RNN, windows, SGD, two devices': '--no-streams --devices 2 --max-epochs 4 --val-every 150'}

def start(folder, *args):
    "A process that trains in the folder."
    code = 'from charrnn.cli import main; raise SystemExit(main())'
    env = {**os.environ, 'PYTHONPATH': str(repo), 'CHARRNN_CACHE': str(folder/'cache'), 'JAX_PLATFORMS': 'cpu'}
    return subprocess.Popen([sys.executable, '-c', code, 'train', *args], cwd=folder, env=env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

def finish(process):
    out, _ = process.communicate()
    if process.returncode: sys.exit(f'a run failed:\n{out}')
    return out

def killed(folder, name, options, seconds, rng):
    "One run, killed until it gets through; how often, and what was printed about states."
    kills, said, args = 0, '', (*common.split(), *options.split(), '--run', name)
    while True:
        if (folder/name/'config.json').exists(): args = ('--resume', name, '--save-minutes', '0')
        process = start(folder, *args)
        if kills < 8:
            try: process.wait(rng.uniform(0, 1.2 * seconds))
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
                said += process.communicate()[0]
                continue
        return kills, said + finish(process)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kills', type=int, default=200)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--folder', type=Path, default=Path(tempfile.mkdtemp()), metavar='DIR')
    args = parser.parse_args()
    folder, rng = args.folder.absolute(), random.Random(args.seed)
    folder.mkdir(exist_ok=True)
    words = 'the time traveller said that a machine could go through it and come back again'.split()
    (folder/'words.txt').write_text(' '.join(random.Random(0).choice(words) for _ in range(4000)))
    log, seconds = folder/'log', {}
    done = [line.split('\t') for line in log.read_text().splitlines()] if log.exists() else []
    for i, options in enumerate(configurations.values()):
        begin = time.perf_counter()
        finish(start(folder, *common.split(), *options.split(), '--out', f'never-{i}.safetensors'))
        seconds[i] = time.perf_counter() - begin
    while sum(int(kills) for _, kills, _ in done) < args.kills:
        i = len(done) % len(configurations)
        name = f'run-{args.seed}-{len(done)}-{rng.randrange(10 ** 9)}'
        kills, said = killed(folder, name, [*configurations.values()][i], seconds[i], rng)
        same = (folder/name/'model.safetensors').read_bytes() == (folder/f'never-{i}.safetensors').read_bytes()
        verdict = 'the same' if same and 'is not used' not in said else 'DIFFERENT' if not same else 'STATE UNREADABLE'
        done.append((str(i), str(kills), verdict))
        with log.open('a') as file: file.write('\t'.join(done[-1]) + '\n')
        print(f'{[*configurations][i]}: killed {kills} times, {verdict}', flush=True)
        print(*(line for line in said.splitlines() if 'is not used' in line), sep='', end='')
    failed = sum(verdict != 'the same' for _, _, verdict in done)
    print(f'killed {sum(int(kills) for _, kills, _ in done)} times in {len(done)} runs\n'
          f'{len(done) - failed} passed, {failed} failed')
    return 1 if failed else 0

if __name__ == '__main__': sys.exit(main())
