"""Judge the four long runs of the page "The whole book" and write book.json, which the page reads.

    python results.py FOLDER     FOLDER holds the model files and logs that the page's commands have written"""
import csv, json, sys
from pathlib import Path
import jax
import numpy as np
from charrnn import Batches, Corpus, evaluate, load_model, whole_book

folder, results = Path(sys.argv[1]), {}
book = whole_book(32, 64)
shakespeare = Corpus.from_files(folder/'tinyshakespeare.txt', 1, 64, streams=True, split=(0.9, 0.1, 0))
held_out = {'book': (book.ids, book.parts[1][0]), 'shakespeare': (shakespeare.ids, shakespeare.parts[1][0])}
for name in ('book', 'book-long', 'shakespeare', 'shakespeare-long'):
    run, (ids, start) = load_model(folder/f'{name}.safetensors'), held_out[name.removesuffix('-long')]
    with open(folder/f'{name}.csv') as file: log = list(csv.DictReader(file))
    whole = evaluate(run.model, run.params, Batches(ids, 1, 64, start, stateful=True))
    n = (len(ids) - 1 - start) // 256
    X, Y = (ids[start + k:start + k + n * 256].reshape(n, 256) for k in (0, 1))
    blocks = evaluate(run.model, run.params, zip(np.array_split(X, 8), np.array_split(Y, 8)))
    prompt = 'the time traveller' if name.startswith('book') else 'ROMEO:'
    results[name] = dict(
        parameters=sum(p.size for p in jax.tree.leaves(run.params)), epochs=run.history[-1]['epoch'],
        updates=run.history[-1]['step'], minutes=round(sum(float(row['seconds']) for row in log) / 60, 2),
        nats=round(whole['loss'], 4), characters=whole['characters'], nats_in_blocks_of_256=round(blocks['loss'], 4),
        text=run.generate(prompt, 250, key=jax.random.key(1), temperature=0.7), source=run.source,
        curve=[[row['step'], round(row['train_loss'], 4), round(row['val_loss'], 4)] for row in run.history])
    print(name, {k: v for k, v in results[name].items() if k not in ('text', 'curve')})
Path('book.json').write_text(json.dumps(results, indent=1) + '\n')
