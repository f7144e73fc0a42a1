"""A character-level recurrent language model from scratch in JAX and Flax."""

__version__ = "0.1.0"

from .vocab import Vocab, count_tokens
from .corpus import TextCorpus, TimeMachine, Windows, load_time_machine, normalize
from .cell import RNNScratch, check_len, check_shape, rnn_step
from .lm import RNNLMScratch, bits_per_char, cross_entropy, perplexity
from .clipping import clip_gradients, global_norm
from .training import Trainer, TrainState, evaluate, train_step
from .decoding import decode_step, generate, sample_logits
from .checkpoint import SavedModel, load_model, save_model
