import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_asym")
class CoupledSGD(keras.optimizers.SGD):
    """SGD whose weight decay is a term of the gradient, as in the papers' PyTorch runs.

    `gradient + l2 * variable` enters the momentum; Keras' own `weight_decay` shrinks the variable
    beside it, which is not the same with momentum.

    Args:
        learning_rate: Learning rate or schedule.
        momentum: Momentum.
        l2: Weight of the decay; 1e-5 in the papers.
        **kwargs: As for `keras.optimizers.SGD`.

    Example:

    >>> keras_asym.training.coupled_sgd.CoupledSGD(3e-3, momentum=0.9, l2=1e-5).l2
    1e-05
    """

    def __init__(self, learning_rate=0.01, momentum=0.0, l2=0.0, name="coupled_sgd", **kwargs):
        if not l2 >= 0:
            raise ValueError(f"`l2` must not be negative. Received: l2={l2}")
        super().__init__(learning_rate=learning_rate, momentum=momentum, name=name, **kwargs)
        self.l2 = l2

    def update_step(self, gradient, variable, learning_rate):
        if self.l2:
            gradient = gradient + self.l2 * ops.cast(variable, gradient.dtype)
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}
