"""Train the model of the page "What did it learn?" on the raw text: capitals, quotes and line ends kept.

    python inside.py SEED     writes inside.safetensors for seed 0, inside-SEED.safetensors else"""
import sys
from charrnn import Corpus, Trainer, build_model, evaluate, layered, save_model
from charrnn.corpus import BOOK_FILE, identify_edition
from charrnn.files import read_package_file

seed = int(sys.argv[1])
text, source = identify_edition(read_package_file(*BOOK_FILE), 'the extra `book`')
data = Corpus.from_text(text, 16, 128, streams=True, split=(0.9, 0.1, 0), source=source)
model = build_model(layered(len(data.vocab), cell='lstm', num_hiddens=144, dropout=0.2, drop_connect=0.2,
                            sigma=None, lr=0.01))
trainer = Trainer(60, 1, optimizer='adamw', val_every=500, seed=seed, progress=False)
trainer.fit(model, data)
print(seed, evaluate(model, trainer.state.params, data.val_dataloader()), sum(r['seconds'] for r in trainer.history))
name = f'inside-{seed}.safetensors' if seed else 'inside.safetensors'
save_model(name, model, trainer.state.params, data.vocab, source=source, history=trainer.history, dtype='float16')
