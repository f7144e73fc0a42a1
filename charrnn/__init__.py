"""A character-level recurrent language model from scratch in JAX and Flax."""

__version__ = "0.1.0"

from .vocab import Vocab, count_tokens
from .corpus import Streams, TextCorpus, TimeMachine, Windows, load_time_machine, normalize
from .cell import RNNScratch, check_len, check_shape, recur, rnn_step
from .lm import RNNLMScratch, bits_per_char, cross_entropy, nll, perplexity
from .clipping import clip_gradients, global_norm
from .training import Trainer, TrainState, adamw, evaluate, train_step
from .decoding import decode_step, generate, sample_logits, stream
from .cells import GRUScratch, LSTMScratch, MinGRUScratch
from .deep import StackedRNN
from .checkpoint import SavedModel, load_model, save_model
from .book import pretrained, whole_book
