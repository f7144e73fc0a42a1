"""What real processes of the command do on a full disk, in a folder that vanishes, at any signal, and with odd texts.

    python .ci/processes.py [--moments 24] [--seed 0]

Every check is a line; the last says `N passed, M failed`. A disk that is full or cannot be written is a small file
system in memory; where that may not be mounted, its checks are left out. `--moments` is how many signals are sent."""
import argparse, os, random, shutil, signal, subprocess, sys, tempfile, time
from pathlib import Path

repo, here = Path(__file__).resolve().parent.parent, Path(tempfile.mkdtemp())
env = {**os.environ, 'PYTHONPATH': str(repo), 'CHARRNN_CACHE': str(here/'cache'), 'JAX_PLATFORMS': 'cpu', 'PYTHONUNBUFFERED': '1'}
# Ctrl-C is heard as by a process that a terminal has started; one started in the background would ignore it
code = ('import signal; signal.signal(signal.SIGINT, signal.default_int_handler); '
        'from charrnn.cli import main; raise SystemExit(main())')
words = 'the time traveller said that a machine could go through it and come back again'.split()
small = '--batch-size 8 --num-steps 16 --num-preds 5 --save-minutes 0'
passed = failed = 0

def start(*args):
    return subprocess.Popen([sys.executable, '-c', code, *map(str, args)], cwd=here, env=env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

def train(text, options=''): return start('train', text, *small.split(), *options.split())

def tell(what, good, note=''):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f"{'ok  ' if good else 'FAIL'} {what}{': ' if note else ''}{' '.join(note.split())[:160]}", flush=True)

def finish(process):
    "What a process has printed when it ends; after two minutes it is killed."
    try: return process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()

def ended(process, what, statuses, lines=1, then=lambda: True):
    "The process ends with one of some statuses and so many lines on its error output."
    out, err = finish(process)
    good = process.returncode in statuses and err.count('\n') == lines and then()
    tell(f'{what} (exit {process.returncode})', good, err if lines or not good else out.splitlines()[-1])

def begun(process):
    "Wait for the line that says what is trained."
    while (line := process.stdout.readline()) and 'corpus: ' not in line: pass
    return process

def mounted(name, *options):
    folder = here/name
    folder.mkdir()
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', ','.join(('size=300k', *options)), 'tmpfs', folder],
                          capture_output=True)
    if not done.returncode: return folder
    tell(f'{name}: left out, no file system may be mounted', True)

def disks():
    if folder := mounted('full'):
        (folder/'before').write_text('keep me')
        p = train('words.txt', '--run full/run --num-hiddens 128 --max-epochs 99')
        ended(p, 'a full disk', (1,), then=lambda: (folder/'before').read_text() == 'keep me')
        subprocess.run(['umount', folder])
    if folder := mounted('locked', 'ro'):
        ended(train('words.txt', '--run locked/run'), 'a folder that cannot be written, --run', (2,))
        ended(train('words.txt', '--out locked/model'), 'a folder that cannot be written, --out', (2,))
        subprocess.run(['umount', folder])
    p = begun(train('words.txt', '--run gone --max-epochs 100000'))
    time.sleep(4)
    shutil.rmtree((here/'gone').rename(here/'going'))   # at once: a state may be written meanwhile
    ended(p, 'a folder that is deleted during the run', (2,))
    first = begun(train('words.txt', '--run shared --max-epochs 100000'))
    time.sleep(4)
    before = (here/'shared'/'config.json').read_bytes()
    ended(start('train', '--resume', 'shared'), 'a second run in a folder', (2,),
          then=lambda: (here/'shared'/'config.json').read_bytes() == before)
    first.kill()
    first.communicate()

def signals(moments, rng):
    "Signals at moments from the start of the process to the middle of training; then what is on disk must do."
    begin = time.perf_counter()
    train('words.txt', '--run whole --max-epochs 3').communicate()
    whole, slowest = time.perf_counter() - begin, 0.
    for i in range(moments):
        p, name = train('words.txt', f'--run run-{i} --max-epochs 100000'), (signal.SIGTERM, signal.SIGINT)[i % 2]
        moment = rng.uniform(0.1, 1.5 * whole)
        time.sleep(moment)
        p.send_signal(name)
        begin = time.perf_counter()
        out, err = finish(p)
        seconds, model = time.perf_counter() - begin, here/f'run-{i}'/'model.safetensors'
        slowest = max(slowest, seconds)
        good = p.returncode in (130, 143, -name) and seconds < 5
        if p.returncode == 130 and out: good = good and ('saved as' in out) == model.exists()
        if model.exists(): good = good and not start('info', '--model', model).communicate()[1]
        tell(f'{name.name} after {moment:.1f} s: exit {p.returncode} after {seconds:.1f} s', good,
             (out + err).splitlines()[-1] if out + err else '')
    print(f'at most {slowest:.1f} s from the signal to the end')

def texts():
    (here/'binary.txt').write_bytes(random.Random(0).randbytes(10_000))
    for name, text in (('empty', ''), ('one', 'a'), ('same', 'a' * 9999)): (here/f'{name}.txt').write_text(text)
    (here/'folder').mkdir()
    (here/'folder'/'picture.bin').write_bytes(b'\x00\xff')
    os.mkfifo(here/'pipe')
    for name in ('empty.txt', 'binary.txt', 'one.txt', 'folder', 'pipe'): ended(train(name), name, (2,))
    ended(train('same.txt', '--max-epochs 1'), 'one character, 9,999 times', (0,), 0)
    ended(train('binary.txt', '--encoding bytes --max-epochs 1 --streams'), 'any bytes', (0,), 0)
    line, begin = ' '.join(words) + ' ', time.perf_counter()
    with open(here/'long.txt', 'w') as file:
        for _ in range(300_000_000 // len(line) // 1000): file.write(line * 1000)
    ended(train('long.txt', '--streams --batch-size 64 --max-epochs 1 --max-steps 50 --max-val 1000'),
          '300 MB in one line', (0,), 0)
    print(f'{time.perf_counter() - begin:.0f} s')

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, n in dict(moments=24, seed=0).items(): parser.add_argument(f'--{name}', type=int, default=n)
    args, rng = parser.parse_args(), random.Random(0)
    (here/'words.txt').write_text(' '.join(rng.choice(words) for _ in range(4000)))
    disks()
    signals(args.moments, random.Random(args.seed))
    texts()
    shutil.rmtree(here)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0

if __name__ == '__main__': sys.exit(main())
