import keras


@keras.saving.register_keras_serializable(package="keras_asym")
class MultiOptimizer(keras.optimizers.MultiOptimizer):
    """Several optimizers, each for variables of its own, that has a learning rate to be read.

    Keras' own raises an error where a callback, such as `WandbMetricsLogger`, asks for it. Here it
    is that of the default optimizer. It cannot be set, as in Keras.

    Args:
        optimizer_map: `keras.optimizers.OptimizerMap`.
        **kwargs: As for `keras.optimizers.MultiOptimizer`.
    """

    @property
    def learning_rate(self):
        return self.optimizers[-1].learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        keras.optimizers.MultiOptimizer.learning_rate.fset(self, value)
