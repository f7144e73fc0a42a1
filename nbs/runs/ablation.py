"""Take one thing at a time away from a small version of the recipe `book` and write ablation.json for the page
"The whole book". Trained on the first 80% of the book, judged on the next 10%, three seeds each.

    python ablation.py"""
import json, time
from pathlib import Path
import numpy as np
from charrnn import Corpus, Trainer, build_model, evaluate, layered, load_time_machine, normalize
from charrnn.training import adamw

text, source = load_time_machine()
data = Corpus.from_text(text, 16, 64, streams=True, normalizer=normalize, split=(0.8, 0.1, 0.1), source=source)
EPOCHS = 30

class Windows:
    "As many batches of random windows as the streams have, of the same size."
    def __init__(self, seed): self.seed = seed
    def train_dataloader(self, epoch):
        part = data.train_dataloader()
        rng = np.random.default_rng([self.seed, epoch])
        starts = rng.integers(0, part.stop - 65, (len(part), 16, 1)) + np.arange(64)
        return [(data.ids[s], data.ids[s + 1]) for s in starts]

class Streams:
    def train_dataloader(self, epoch): return data.train_dataloader(epoch)

base = dict(cell='lstm', num_hiddens=128, dropout=0.2, drop_connect=0.2, sigma=None, lr=0.01)
variants = {'all of it': {}, 'random windows in place of streams': dict(windows=True),
            'nothing dropped': dict(dropout=0., drop_connect=0.), 'weight decay 0.1 in place of 0.01': dict(decay=0.1),
            'plain RNN in place of the LSTM': dict(cell='rnn', sigma=0.1)}
results = {}
for seed in range(3):
    for name, change in variants.items():
        change, begin = dict(change), time.perf_counter()
        source, decay = Windows(seed) if change.pop('windows', False) else Streams(), change.pop('decay', 0.01)
        model = build_model(layered(len(data.vocab), **(base | change)))
        updates = EPOCHS * len(data.train_dataloader())
        trainer = Trainer(EPOCHS, 1, optimizer=adamw(0.01, updates, weight_decay=decay), seed=seed, progress=False)
        trainer.fit(model, source)
        loss = evaluate(model, trainer.state.params, data.val_dataloader())['loss']
        results.setdefault(name, dict(nats=[], updates=int(trainer.state.step)))['nats'].append(round(loss, 4))
        print(seed, name, round(loss, 4), f'{time.perf_counter() - begin:.0f} s', flush=True)
Path('ablation.json').write_text(json.dumps(results, indent=1) + '\n')
