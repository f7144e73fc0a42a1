"""Throw damaged files and random text at the library: each must be BadInput or a valid result, in a second.
A model file of 17 MB must not need more than twice its size in memory, and 2 MB (measured on Linux).

    python .ci/faults.py [--count 10000] [--seed 0]

A model file and a training state are changed in one place: bytes, length, a field of the header, a number. Random bytes
go to the text reader, random text to the vocabulary and to a prompt. Ends with `N passed, M failed`."""
import argparse, ctypes, gc, json, random, re, sys, tempfile, time
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

repo = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(repo))

import jax  # noqa: E402
import numpy as np  # noqa: E402
from charrnn import BadInput, Corpus, RNNLMScratch, Trainer, Vocab, load_model, save_model  # noqa: E402
from charrnn.cell import RNNScratch  # noqa: E402
from charrnn.depth import build_model, layered  # noqa: E402
from charrnn.states import load_state  # noqa: E402

WILD = [0, -1, 1, 2**31, 2**63, 10**30, -10**30, 0.5, 1e308, float('nan'), float('inf'), None, True, '', 'x', [], {}, [1], {'a': 1}]

def number(value, rng):
    "One random place of a JSON value, replaced by something wild."
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        return {**value, key: number(value[key], rng)} if rng.random() < 0.9 else {k: v for k, v in value.items() if k != key}
    if isinstance(value, list) and value and rng.random() < 0.9:
        i = rng.randrange(len(value))
        return [*value[:i], number(value[i], rng), *value[i + 1:]]
    return rng.choice(WILD)

def damaged(data, rng):
    "The bytes of a safetensors file, changed in one way."
    kind = rng.choice(['byte', 'cut', 'longer', 'header', 'metadata', 'config', 'numbers'])
    size = int.from_bytes(data[:8], 'little')
    if kind == 'byte':
        i = rng.randrange(min(len(data), 8 + size) if rng.random() < 0.7 else len(data))
        return kind, data[:i] + bytes([rng.randrange(256)]) + data[i + 1:]
    if kind == 'cut': return kind, data[:rng.randrange(len(data))]
    if kind == 'longer': return kind, data + rng.randbytes(rng.randrange(1, 99))
    if kind == 'numbers':
        i = rng.randrange(8 + size, len(data) - 4) // 4 * 4
        return kind, data[:i] + np.float32(rng.choice([np.nan, np.inf, -np.inf, 1e38])).tobytes() + data[i + 4:]
    header = json.loads(data[8:8 + size])
    if kind == 'header': header = number(header, rng)
    else:
        meta = header['__metadata__']
        field = rng.choice(sorted(meta)) if kind == 'metadata' else rng.choice([f for f in ('config', 'vocab', 'history', 'record') if f in meta])
        try: meta[field] = json.dumps(number(json.loads(meta[field]), rng))
        except ValueError: meta[field] = rng.choice(['', '{', 'x' * 9, '\0', '[]', '1e999'])
    text = json.dumps(header).encode()
    return kind, len(text).to_bytes(8, 'little') + text + data[8 + size:]

def memory(name):
    "A figure of this process in bytes: VmRSS, what it has now, or VmHWM, the most it had since `clear_refs` was written."
    return 1024 * int(re.search(rf'{name}:\s+(\d+)', Path('/proc/self/status').read_text())[1])

def attempt(run, counts, kind, most=None):
    "Run once and count what came of it; what must not come of it is printed. `most`: bytes of memory it may need."
    if most:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)                      # what is free must not hide what is needed
        Path('/proc/self/clear_refs').write_text('5')
        before = memory('VmRSS')
    begin = time.process_time()  # of this process, however busy the machine is
    outcome = 'valid'
    try: run()
    except BadInput as e: outcome = 'BadInput' if '\n' not in str(e) else f'BadInput of several lines: {str(e)[:150]!r}'
    except BaseException as e: outcome = f'{type(e).__name__}: {str(e)[:150]!r}'
    if time.process_time() - begin > 1: outcome += ', but slow'
    if most and memory('VmHWM') - before > most: outcome += ', but large'
    if outcome not in ('valid', 'BadInput') and counts[kind, outcome] < 1: print(f'  {kind}: {outcome}', flush=True)
    counts[kind, outcome] += 1

def quietly(run, *args):
    with redirect_stdout(StringIO()): return run(*args)

def used(saved, rng):
    "Let some of the models that load write."
    if rng.random() < 0.02: saved.generate('the', 3)

def random_text(rng):
    "Bytes that may be text: of ASCII, of Unicode, or any."
    n = rng.choice([0, 1, 2, 10, 100, 1000])
    if rng.random() < 0.3: return rng.randbytes(n)
    letters = rng.choice(['ab', 'abc \n', 'äöü\r\n', '\0\t ', '😀é', 'aa', ''.join(map(chr, range(0x300, 0x400)))])
    return ''.join(rng.choices(letters, k=n)).encode(rng.choice(['utf-8', 'utf-16', 'utf-8-sig']))

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, n in dict(count=10000, seed=0).items(): parser.add_argument(f'--{name}', type=int, default=n)
    args, folder = parser.parse_args(), Path(tempfile.mkdtemp())
    rng, counts = random.Random(args.seed), Counter()
    data = Corpus.from_text('the quick brown fox jumps over the lazy dog ' * 20, 4, 8, streams=True)
    lm = build_model(layered(len(data.vocab), cell='lstm', num_hiddens=8, num_layers=2))
    trainer = Trainer(2, optimizer='adamw', progress=False)
    trainer.fit(lm, data, resume=folder/'states')
    save_model(folder/'good.safetensors', lm, trainer.state.params, data.vocab, history=trainer.history)
    good, state = (folder/'good.safetensors').read_bytes(), next((folder/'states').glob('*.safetensors')).read_bytes()
    bad, text, place = folder/'bad.safetensors', folder/'text.txt', folder/'bad'/'state-1.safetensors'
    place.parent.mkdir()
    vocab, small = Vocab('abc '), RNNLMScratch(RNNScratch(5, 4), 5)
    params = small.init(jax.random.key(0), np.ones((1, 1), int))['params']
    for _ in range(args.count):
        kind, content = damaged(good, rng)
        bad.write_bytes(content)
        attempt(lambda: used(load_model(bad), rng), counts, f'model file, {kind}')
    wide = build_model(layered(len(data.vocab), cell='lstm', num_hiddens=1024))
    weights = wide.init(jax.random.key(0), np.ones((1, 1), int))['params']
    save_model(folder/'wide.safetensors', wide, weights, data.vocab)
    del weights
    load_model(folder/'wide.safetensors')                     # what only the first one needs does not count
    large = (folder/'wide.safetensors').read_bytes()
    for _ in range(args.count // 20 if sys.platform == 'linux' else 0):
        kind, content = damaged(large, rng)
        bad.write_bytes(content)
        attempt(lambda: load_model(bad), counts, f'wide model file, {kind}', 2 * len(content) + 2**21)
    for _ in range(args.count):
        kind, content = damaged(state, rng)
        place.write_bytes(content)
        attempt(lambda: quietly(load_state, place.parent, trainer.state), counts, f'training state, {kind}')
    for _ in range(args.count):
        content = random_text(rng)
        text.write_bytes(content)
        attempt(lambda: Corpus.from_files(text, 2, 3), counts, 'text file')
        prompt = content.decode('utf-8', 'replace')
        attempt(lambda: Vocab(prompt).decode(Vocab(prompt).encode(prompt)), counts, 'vocabulary')
        attempt(lambda: Vocab.from_json(prompt), counts, 'vocabulary as JSON')
        if len(prompt) < 17: attempt(lambda: small.predict(prompt, 3, vocab, params), counts, 'prompt')
    for (kind, outcome), n in sorted(counts.items()): print(f'{kind:32} {outcome:12} {n:6}')
    failed = sum(n for (_, outcome), n in counts.items() if outcome not in ('valid', 'BadInput'))
    print(f'{counts.total() - failed} passed, {failed} failed')
    return 1 if failed else 0

if __name__ == '__main__': sys.exit(main())
