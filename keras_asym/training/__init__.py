"""Training: the loop, distribution, optimizers, callbacks. TensorFlow is at home here."""

from keras_asym.files import write_atomically
from keras_asym.training.averaging import ValidateAverages, averaged_weights
from keras_asym.training.choose_distribution import STRATEGIES, choose_distribution
from keras_asym.training.coupled_sgd import CoupledSGD
from keras_asym.training.distribution import Distribution, per_replica_batch_size
from keras_asym.training.early_stopping import EarlyStopping
from keras_asym.training.epoch_log import EpochLog
from keras_asym.training.exchange_rates import ExchangeRates
from keras_asym.training.images_per_second import ImagesPerSecond
from keras_asym.training.learning_rates import LearningRates
from keras_asym.training.loop import Stage, Training, dtype_policy, train
from keras_asym.training.model_checkpoint import ModelCheckpoint, read_state
from keras_asym.training.optimizers import learning_rate, optimizer_options
from keras_asym.training.preemption import EXIT_STATUS, Preemption
from keras_asym.training.progress_bar import ProgressBar, readable_time
from keras_asym.training.run_states import RunStates
from keras_asym.training.save_states import SaveStates
from keras_asym.training.stop_on_nan import StopOnNaN
from keras_asym.training.tensorboard import TensorBoard
from keras_asym.training.variables import add_to_metrics, assign_variables, read_variables
