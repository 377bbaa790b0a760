"""Models that are trained by compile and fit."""

from keras_asym.models.segmenter import Segmenter
