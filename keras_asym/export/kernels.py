"""How the inference form holds the kernels of convolutions.

Each is a function of a variable that returns the kernel's tensor; those that make a constant of it
also take what arranges its value.
"""

import tensorflow as tf

from keras_asym.export.branches import constant


def constant_kernel(variable, arrange=tf.identity):
    """A constant, of the weights at the time of the call."""
    return tf.constant(constant(lambda: arrange(variable.value)))


def variable_kernel(variable):
    """Read from the variable in each run."""
    return variable.value


class SharedKernels:
    """Constants, one for all functions of a SavedModel, of the weights when they are first used.

    Each stands in a function of its own, which the others call and TensorFlow puts in its place:
    a SavedModel of several signatures holds a kernel once.
    """

    def __init__(self):
        self._functions = {}

    def __call__(self, variable, arrange=tf.identity):
        if id(variable) not in self._functions:
            function = tf.function(lambda: constant_kernel(variable, arrange), autograph=False)
            # The variable is kept, so that nothing else gets its `id`.
            self._functions[id(variable)] = variable, function.get_concrete_function()
        return self._functions[id(variable)][1]()
