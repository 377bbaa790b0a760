"""Multimodal networks in Keras: one shared network, private normalization for each modality."""

from keras_asym import fusion, layers, losses, metrics, models, networks, ops, regularizers, weights

__version__ = "0.1.0"
