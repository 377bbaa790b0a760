"""Training: distribution, optimizers, callbacks. TensorFlow is at home here."""

from keras_asym.training.coupled_sgd import CoupledSGD
from keras_asym.training.distribution import STRATEGIES, per_replica_batch_size, strategy_scope
from keras_asym.training.model_checkpoint import ModelCheckpoint, read_state, write_atomically
from keras_asym.training.progress_bar import ProgressBar
from keras_asym.training.stop_on_nan import StopOnNaN
