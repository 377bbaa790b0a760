"""Plain single-modality functional networks; `keras_asym.fusion` makes them multimodal."""

from keras_asym.networks.refinenet import ENCODER_VARIABLES, RefineNet
from keras_asym.networks.resnet import ResNet
