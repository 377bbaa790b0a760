"""How the inference form holds the weights: as constants of its graph.

TensorFlow brings a constant kernel into its own order once and a variable's value in each run, and
computes once what constants alone are needed for, such as the scale of a normalization.
"""

import math

import keras
import tensorflow as tf

_SMALL = 2**12  # values; what takes a function of its own longer to load than to repeat


def constant(variable):
    """A constant, of the weight at the time of the call; also while a graph is traced."""
    with tf.init_scope():
        value = keras.ops.convert_to_numpy(variable.value)
    return tf.constant(value)


class SharedConstants:
    """Constants, one for all functions of a SavedModel, of the weights when they are first used.

    Each large one stands in a function of its own, which the others call and TensorFlow puts in
    its place: a SavedModel of several signatures holds a kernel once.
    """

    def __init__(self):
        self._functions = {}

    def __call__(self, variable):
        if math.prod(variable.shape) <= _SMALL:
            return constant(variable)
        if id(variable) not in self._functions:
            function = tf.function(lambda: constant(variable), autograph=False)
            # The variable is kept, so that nothing else gets its `id`.
            self._functions[id(variable)] = variable, function.get_concrete_function()
        return self._functions[id(variable)][1]()
