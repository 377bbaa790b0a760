"""Models that are trained by compile and fit."""

from keras_asym.models.segmenter import Segmenter
from keras_asym.models.translator import Translator
