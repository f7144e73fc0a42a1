"""Compare the settings that `charrnn.plan` chooses for one minute with ten drawn from a grid, and write minutes.json.

    python minutes.py FOLDER     FOLDER holds the texts: murphy.txt, flatland.txt, ...; see the page "Planning a run"

Every run makes as many updates as fit into 50 seconds of two quiet cores. How many these are is measured first, the
settings in turns, the best of four rounds. What is there already in minutes.json is not run again."""
import itertools, json, math, random, sys
from pathlib import Path
import jax
from charrnn import Corpus, use_cpu_devices
from charrnn.plan import choose_dropout, choose_width, make_model, make_trainer, measure, num_parameters

use_cpu_devices(2)
GRID = dict(cell=['gru', 'lstm'], num_hiddens=[64, 128, 192, 256, 384, 512], num_layers=[1, 2],
            dropout=[0., 0.1, 0.2, 0.3, 0.4], batch_size=[16, 32, 64], lr=[0.003, 0.005, 0.01, 0.02])
TEXTS = dict(murphy='tuned', flatland='tuned', shakespeare='tuned', knowledge='judged', lostworld='judged',
             python='judged')
SECONDS = 50
common = dict(streams=True, num_steps=64, sigma=None, optimizer='adamw', grad_clip=1., progress=False)
drawn = random.Random(2026).sample([*itertools.product(*GRID.values())], 10)
drawn = [dict(zip(GRID, values)) for values in drawn]
plain = [dict(cell='gru', num_hiddens=H, num_layers=1, dropout=0.2, batch_size=32, lr=0.01)
         for H in (64, 96, 128, 192, 256, 384)]
out, folder = Path(__file__).with_name('minutes.json'), Path(sys.argv[1])
results = json.loads(out.read_text()) if out.exists() else dict(pace={}, runs={})

def name(s): return '{cell} {num_layers} x {num_hiddens}, batch {batch_size}, lr {lr}'.format(**s)

def corpus(text, s):
    text = (folder/f'{text}.txt').read_text(encoding='utf-8', errors='replace')
    share = min(0.1, 100_000 / len(text))
    return Corpus.from_text(text, s['batch_size'], 64, streams=True, split=(1 - share, share, 0))

def save(): out.write_text(json.dumps(results, indent=1) + '\n')

for turn in range(0 if results["runs"] else 4):
    for s in drawn + plain:
        s = common | s | dict(drop_connect=s['dropout'])
        data = corpus('lostworld', s)
        pace = measure(make_model(len(data.vocab), s), data)[0]
        results['pace'][name(s)] = max(pace, results['pace'].get(name(s), 0))
    save()
    print(turn, {k: float(f"{v:.3g}") for k, v in results["pace"].items()}, flush=True)

def chosen(text):
    "What `plan` chooses, with the speeds of above."
    s = next(s for s in plain if s['num_hiddens'] == 128)
    s = s | dict(num_hiddens=choose_width(SECONDS * results['pace'][name(s)]))
    data = corpus(text, s)
    epochs = SECONDS * results['pace'][name(s)] / len(data.train_dataloader())
    parameters = num_parameters(make_model(len(data.vocab), common | s | dict(drop_connect=0.)))
    return s | dict(dropout=choose_dropout(epochs, parameters / data.parts[0][1]))

jobs = [(text, 'chosen', chosen(text)) for text in TEXTS]
jobs += [(text, f'drawn {i}', s) for text, kind in TEXTS.items() if kind == 'judged' for i, s in enumerate(drawn)]
for text, kind, s in jobs:
    s = common | s | dict(drop_connect=s['dropout'])
    if results['runs'].get(text, {}).get(kind, {}).get('settings') == s: continue
    data, updates = corpus(text, s), int(SECONDS * results['pace'][name(s)])
    epochs = updates / len(data.train_dataloader())
    trainer = make_trainer(s | dict(max_epochs=math.ceil(epochs), max_steps=updates, val_every=-(-updates // 4),
                                    patience=4))
    model = make_model(len(data.vocab), s)
    trainer.fit(model, data)
    bits = trainer.evaluate(data)['bits_per_char']
    results['runs'].setdefault(text, {})[kind] = dict(
        settings=s, updates=updates, epochs=round(epochs, 2), bits=round(bits, 4), characters=len(data.ids),
        alphabet=len(data.vocab) - 1, parameters=sum(p.size for p in jax.tree.leaves(trainer.state.params)))
    save()
    print(text, kind, name(s), s['dropout'], f'{updates} updates, {epochs:.3g} epochs, {bits:.3f} bits', flush=True)
