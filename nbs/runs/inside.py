"""Train the models of the page "What did it learn?" on the raw text (capitals, quotes and line ends kept), and judge
them: three seeds with a forget gate that starts with bias 1, three with bias 4.

    python inside.py FOLDER     FOLDER gets the models; one that is there already is not trained again

Writes inside.json, which the page reads, and inside.safetensors, the model with bias 1 and seed 0."""
import json, shutil, sys
from pathlib import Path
import jax
import jax.numpy as jnp
import numpy as np
from charrnn import Corpus, Trainer, build_model, evaluate, layered, load_model, save_model
from charrnn.corpus import BOOK_FILE, identify_edition
from charrnn.files import read_package_file

folder = Path(sys.argv[1])
text, source = identify_edition(read_package_file(*BOOK_FILE), 'the extra `book`')
data = Corpus.from_text(text, 16, 128, streams=True, split=(0.9, 0.1, 0), source=source)
ids, cut = data.ids.astype(np.int32), data.parts[1][0]

def train(path, forget_bias, seed):
    config = layered(len(data.vocab), cell='lstm', num_hiddens=144, dropout=0.2, drop_connect=0.2, sigma=None, lr=0.01)
    config['rnn']['cells'][0]['forget_bias'] = forget_bias
    model, trainer = build_model(config), Trainer(60, 1, optimizer='adamw', val_every=500, seed=seed, progress=False)
    trainer.fit(model, data)
    save_model(path, model, trainer.state.params, data.vocab, source=source, history=trainer.history, dtype='float16')

def states(model, params):
    "c and h after each character of the text, (characters, 2 * num_hiddens)."
    c = h = jnp.zeros((1, 144))
    def step(state, i):
        _, (state,) = model.rnn.apply({'params': params['rnn']}, i[None, None], (state,))
        return state, jnp.concatenate(state, axis=-1)[0]
    return np.asarray(jax.jit(lambda: jax.lax.scan(step, (c, h), ids)[1])(), np.float64)

def labels():
    word, column, quoted, rows = 0, 0, False, []
    for c in text:
        word, column = (word + 1) * c.isalpha(), (column + 1) * (c != '\n')
        quoted = c == '“' or quoted and c != '”'
        rows.append((min(word, 8), column, quoted))
    return dict(zip(('letter of the word', 'column of the line', 'inside quotes'), np.array(rows, float).T))

def probe(X):
    """Ridge regression on every second character of the training part from 2,000 on: correlations on the last tenth,
    and the largest correlations for labels that are shifted by random distances."""
    fit, judge, rng = slice(2000, cut, 2), slice(cut + 2000, None), np.random.default_rng(0)
    Y = np.stack([*labels().values()], axis=1)
    fitted = np.concatenate([Y, *(np.roll(Y, s, axis=0) for s in rng.integers(5000, len(Y) - 5000, 20))], axis=1)[fit]
    mean, scale = X[fit].mean(0), X[fit].std(0) + 1e-6
    A = (X[fit] - mean) / scale
    w = np.linalg.solve(A.T @ A + 10 * np.eye(A.shape[1]), A.T @ (fitted - fitted.mean(0)))
    guess, truth = (X[judge] - mean) / scale @ w, np.tile(Y[judge], 21)
    r = ((guess - guess.mean(0)) * (truth - truth.mean(0))).mean(0) / guess.std(0) / truth.std(0)
    named = lambda v: dict(zip(labels(), v.round(4).tolist()))
    return dict(found=named(r[:3]), by_chance=named(np.abs(r[3:].reshape(20, 3)).max(0)))

def line_ends(saved, h):
    "How sure the model is of a line end where a line end or a space comes after a letter: means over bins of columns."
    logits = h[cut:-1] @ np.asarray(saved.params['W_hq']) + np.asarray(saved.params['b_q'])
    share = 1 / (1 + np.exp(logits[:, data.vocab[' ']] - logits[:, data.vocab['\n']]))
    at = np.array([a.isalpha() and b in ' \n' for a, b in zip(text[cut:], text[cut + 1:])])
    column, ended = labels()['column of the line'][cut:-1], np.array([c == '\n' for c in text[cut + 1:]])
    bins = [at & (column > b - 10) & (column <= b) for b in range(10, 80, 10)]
    return [[round(float(x[b].mean()), 4) for b in bins] for x in (share, ended)]

results, H = [], 144
for bias in (1., 4.):
    for seed in range(3):
        path = folder/f'forget-{bias:.0f}-seed-{seed}.safetensors'
        if not path.exists(): train(path, bias, seed)
        saved = load_model(path)
        loss = evaluate(saved.model, saved.params, data.val_dataloader())['loss']
        X = states(saved.model, saved.params)
        ends, truth = line_ends(saved, X[:, H:])
        results.append(dict(
            forget_bias=bias, seed=seed, nats=round(loss, 4), train_nats=round(saved.history[-1]['train_loss'], 4),
            probes=probe(X), probes_of_h=probe(X[:, H:]),
            saturated=round(float((np.abs(np.tanh(X[cut:, :H])) > 0.99).mean()), 4), line_ends=ends, truth=truth))
        print(results[-1], flush=True)
Path('inside.json').write_text(json.dumps(results, indent=1) + '\n')
shutil.copy(folder/'forget-1-seed-0.safetensors', 'inside.safetensors')
