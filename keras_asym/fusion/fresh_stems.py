"""A first convolution of its own for a modality unlike the images a network was trained on."""

import dataclasses

import keras

from keras_asym.fusion.graph import ancestors
from keras_asym.fusion.normalizations import normalization_of
from keras_asym.fusion.strategy import FusionStrategy
from keras_asym.keras_internals import nodes_of
from keras_asym.layers import ModalityCopies


class UnsharedStem(FusionStrategy):
    """A strategy, and of one layer each modality gets its own.

    Args:
        fusion: The strategy.
        stem: Name of the layer.
    """

    def __init__(self, fusion, stem):
        self.fusion = fusion
        self.stem = stem

    def edits(self, network, modalities):
        edits = self.fusion.edits(network, modalities)
        if modalities == 1:
            return edits
        return dataclasses.replace(edits, unshared={*edits.unshared, self.stem})


def first_convolution(network):
    """Name of the convolution through which the image enters a flat network.

    Raises:
        ValueError: If there is none, or other weights than a norm's come before it.
    """
    for node in nodes_of(network):
        if isinstance(node.operation, keras.layers.Conv2D):
            name = node.operation.name
            before = [network.get_layer(x) for x in ancestors(network, [name]) if x != name]
            if not any(x.trainable_weights and normalization_of(x) is None for x in before):
                return name
            break
    raise ValueError(
        '`stems` must not hold "fresh" with a network that does not begin with a Conv2D: '
        f"'{network.name}'. Choose \"repeat\", or a layer of your own"
    )


def begin_anew(model, stem, rows):
    """Gives the convolution `stem` of a multimodal model new initial weights for some modalities.

    Args:
        model: Model from `to_multimodal`.
        stem: Name of the layer.
        rows: Indices of the modalities.
    """
    layer = model.get_layer(stem)
    for row in rows:
        copy = layer.copies[row] if isinstance(layer, ModalityCopies) else layer
        copy.kernel.assign(copy.kernel_initializer(copy.kernel.shape, copy.kernel.dtype))
        if copy.bias is not None:
            copy.bias.assign(copy.bias_initializer(copy.bias.shape, copy.bias.dtype))
