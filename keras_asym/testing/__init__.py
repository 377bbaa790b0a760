"""Checks of your own layers and fusion strategies: those that this package's own ones pass."""

from keras_asym.testing.check_layer import check_layer
from keras_asym.testing.check_strategy import check_strategy
