"""A character-level recurrent language model from scratch in JAX and Flax."""

__version__ = "0.1.0"

from .book import RECIPES, whole_book
from .cell import Cell, RNNScratch, StepCell, check_len, check_shape, rnn_step
from .checkpoint import SavedModel, load_model, pretrained, save_model
from .clipping import clip_gradients
from .corpus import Batches, Corpus, TimeMachine, load_time_machine, normalize
from .decoding import Sampling, generate, stream
from .depth import StackedRNN, build_model, layered
from .devices import use_cpu_devices
from .errors import BadInput
from .gates import GRUScratch, LSTMScratch
from .lm import RNNLMScratch, bits_per_char, cross_entropy, perplexity
from .recurrence import Step
from .scans import MinGRUScratch
from .surprise import score
from .trainer import Trainer
from .training import TrainState, evaluate
from .vocab import Vocab

__all__ = [name for name, x in globals().items() if getattr(x, '__module__', '').startswith('charrnn.')] + ['RECIPES']
