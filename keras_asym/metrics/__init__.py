"""Metrics of dense prediction and of generated images."""

from keras_asym.metrics.area_under_risk_coverage import AreaUnderRiskCoverage
from keras_asym.metrics.brier_score import BrierScore
from keras_asym.metrics.confusion_matrix import ConfusionMatrix
from keras_asym.metrics.expected_calibration_error import ExpectedCalibrationError
from keras_asym.metrics.frechet_distance import FrechetDistance
from keras_asym.metrics.inception_distances import InceptionDistances
from keras_asym.metrics.kernel_distance import KernelDistance
from keras_asym.metrics.negative_log_likelihood import NegativeLogLikelihood
