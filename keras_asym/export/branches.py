"""The tensors of the modalities side by side: how the inference form holds a folded tensor."""

import keras
import tensorflow as tf


class Branches:
    """One tensor `(batch, height, width, channels)` for each modality, in order."""

    def __init__(self, tensors):
        self.tensors = list(tensors)

    def __len__(self):
        return len(self.tensors)

    def next_of(self, index):
        """The tensor of the next modality, in cyclic order."""
        return self.tensors[(index + 1) % len(self)]


def constant(function):
    """What a function makes of weights, as arrays; also while a graph is traced."""
    with tf.init_scope():
        return keras.tree.map_structure(keras.ops.convert_to_numpy, function())
