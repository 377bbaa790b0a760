"""Learning rates over a stage, and what all optimizers of a run have in common."""

import keras
from keras import ops

DECAYS = ("none", "cosine", "polynomial")


@keras.saving.register_keras_serializable(package="keras_asym")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Raises the rate of a schedule linearly over the first steps.

    Step s of the first n has the schedule's rate times (s + 1) / n.

    Args:
        rate: Learning rate or schedule.
        steps: Number of steps n.

    Example:

    >>> schedule = keras_asym.training.optimizers.WarmUp(0.1, steps=4)
    >>> [round(float(schedule(step)), 3) for step in (0, 1, 3, 100)]
    [0.025, 0.05, 0.1, 0.1]
    """

    def __init__(self, rate, steps):
        if steps < 1:
            raise ValueError(f"`steps` must be at least 1. Received: steps={steps}")
        self.rate = rate
        self.steps = steps

    def __call__(self, step):
        rate = self.rate(step) if callable(self.rate) else self.rate
        return rate * ops.minimum((ops.cast(step, "float32") + 1) / self.steps, 1.0)

    def get_config(self):
        return {"rate": keras.saving.serialize_keras_object(self.rate), "steps": self.steps}

    @classmethod
    def from_config(cls, config):
        rate = keras.saving.deserialize_keras_object(config["rate"])
        return cls(**{**config, "rate": rate})


def learning_rate(rate, steps, decay="none", power=0.9, warmup_steps=0):
    """A learning rate over the steps of a stage.

    Args:
        rate: Largest learning rate.
        steps: Steps of the stage, at whose end a decaying rate is 0.
        decay: `"none"`, `"cosine"`, or `"polynomial"`: `rate * (1 - step / steps) ** power`.
        power: Exponent of the polynomial decay.
        warmup_steps: Number of steps over which the rate rises linearly, see `WarmUp`; 0 for none.

    Returns:
        A number or a `keras.optimizers.schedules.LearningRateSchedule`.
    """
    if decay == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    elif decay == "polynomial":
        rate = keras.optimizers.schedules.PolynomialDecay(rate, steps, 0.0, power)
    elif decay != "none":
        raise ValueError(f"`decay` must be one of {DECAYS}. Received: decay={decay!r}")
    return WarmUp(rate, warmup_steps) if warmup_steps else rate


def optimizer_options(
    gradient_accumulation=1, weight_average=0.0, clipnorm=0.0, global_clipnorm=0.0, clipvalue=0.0
):
    """Arguments of Keras' optimizers; 0 stands for what is off.

    Args:
        gradient_accumulation: Number of batches that make one update of the weights.
        weight_average: Momentum of a moving average of the weights.
        clipnorm: Largest norm of the gradient of each variable.
        global_clipnorm: Largest norm of all gradients of one optimizer together.
        clipvalue: Largest magnitude of each component of a gradient.

    Raises:
        ValueError: If a value is out of range, or there is more than one way of clipping.
    """
    if gradient_accumulation < 1:
        raise ValueError(
            "`config.gradient_accumulation` must be at least 1. "
            f"Received: gradient_accumulation={gradient_accumulation}"
        )
    if not 0 <= weight_average < 1:
        raise ValueError(
            f"`config.weight_average` must be in [0, 1). Received: weight_average={weight_average}"
        )
    clipping = {"clipnorm": clipnorm, "global_clipnorm": global_clipnorm, "clipvalue": clipvalue}
    options = {name: float(value) for name, value in clipping.items() if value}
    if len(options) > 1 or any(value < 0 for value in options.values()):
        raise ValueError(
            "`config.optimizer` must have at most one of clipnorm, global_clipnorm and clipvalue, "
            f"a positive number. Received: {options}"
        )
    if gradient_accumulation > 1:
        options["gradient_accumulation_steps"] = gradient_accumulation
    if weight_average:
        # Keras averages after each batch, whether or not it has changed the weights.
        momentum = weight_average ** (1 / gradient_accumulation)
        options.update(use_ema=True, ema_momentum=momentum)
    return options
