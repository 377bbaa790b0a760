"""Models that are trained by compile and fit."""

from keras_asym.models.calibration import Calibration
from keras_asym.models.fit_confidence import fit_confidence
from keras_asym.models.fit_temperature import fit_temperature
from keras_asym.models.segmenter import Segmenter
from keras_asym.models.sensor_preprocessor import SensorPreprocessor
from keras_asym.models.translator import Translator
