"""Metrics of dense prediction and of generated images."""

from keras_asym.metrics.confusion_matrix import ConfusionMatrix
from keras_asym.metrics.frechet_distance import FrechetDistance
from keras_asym.metrics.inception_distances import InceptionDistances
from keras_asym.metrics.kernel_distance import KernelDistance
