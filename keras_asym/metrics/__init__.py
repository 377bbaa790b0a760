"""Metrics of dense prediction."""

from keras_asym.metrics.confusion_matrix import ConfusionMatrix
