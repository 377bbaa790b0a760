import keras
from keras import constraints, initializers, ops, regularizers

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.ops import merge_axis, split_axis, sum_over_replicas


class ModalityNormalization(ModalityLayer):
    """Base of the normalizations with a gamma and a beta for each modality.

    Both have the shape `(modalities, ...)`, behind it that of the plain normalization's: the sizes
    of the axes `axis`. What is computed is computed in float32 or better.

    Args:
        modalities: Number of modalities M.
        axis: Axis or list of axes of the input that gamma and beta have an entry for.
        epsilon: Added to the variance.
        center: Whether beta is added.
        scale: Whether gamma multiplies.
        beta_initializer, gamma_initializer: Initializers of the weights.
        beta_regularizer, gamma_regularizer: Regularizers of the weights.
        beta_constraint, gamma_constraint: Constraints of the weights.
    """

    mixes_modalities = False

    def __init__(
        self,
        modalities,
        axis,
        epsilon,
        center,
        scale,
        beta_initializer,
        gamma_initializer,
        beta_regularizer,
        gamma_regularizer,
        beta_constraint,
        gamma_constraint,
        **kwargs,
    ):
        super().__init__(modalities, **kwargs)
        self.axis = sorted(axis) if isinstance(axis, list | tuple) else [axis]
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma = None
        self.beta = None

    def build(self, input_shape):
        rank = len(input_shape)
        self.axis = sorted(axis % rank for axis in self.axis)
        if 0 in self.axis:
            raise ValueError(
                f"Layer '{self.name}' must not normalize the batch axis, in which the modalities "
                f"are folded. Received: axis={self.axis} for the shape {tuple(input_shape)}"
            )
        shape = (self.modalities, *(input_shape[axis] for axis in self.axis))
        for name, wanted in (("gamma", self.scale), ("beta", self.center)):
            if wanted:
                weight = self.add_weight(
                    name=name,
                    shape=shape,
                    initializer=getattr(self, f"{name}_initializer"),
                    regularizer=getattr(self, f"{name}_regularizer"),
                    constraint=getattr(self, f"{name}_constraint"),
                    autocast=False,
                )
                setattr(self, name, weight)
        sizes = {axis: input_shape[axis] for axis in self.axis}
        self.input_spec = keras.layers.InputSpec(ndim=rank, axes=sizes)

    def unfolded(self, inputs):
        """Folded inputs as `(batch, modalities, ...)`, in float32 or better."""
        return split_axis(ops.cast(inputs, self._precision(inputs)), self.count)

    def normalized(self, x, mean, variance):
        """What the layer gives: `(x - mean) / sqrt(variance + epsilon) * gamma + beta`, folded.

        Args:
            x: Result of `unfolded`.
            mean, variance: Statistics that broadcast with `x`.
        """
        scale = ops.rsqrt(variance + self.epsilon)
        if self.scale:
            scale = scale * self.beside(self.gamma, x)
        offset = -mean * scale
        if self.center:
            offset = offset + self.beside(self.beta, x)
        return self.folded(x * scale + offset)

    def folded(self, x):
        """`x` `(batch, modalities, ...)`, folded and in the layer's precision."""
        return ops.cast(merge_axis(x), self.compute_dtype)

    def beside(self, weight, x):
        """The rows of a weight, in a shape that broadcasts with `x` `(batch, modalities, ...)`."""
        sizes = [
            x.shape[axis + 1] if axis in self.axis else 1 for axis in range(1, len(x.shape) - 1)
        ]
        return ops.reshape(ops.cast(self.pick(weight), x.dtype), (self.count, *sizes))

    def add_moving_statistics(self, channels, mean_initializer, variance_initializer):
        """Adds the weights `moving_mean` and `moving_variance`, `(modalities, channels)`."""
        for name, initializer in (
            ("moving_mean", mean_initializer),
            ("moving_variance", variance_initializer),
        ):
            weight = self.add_weight(
                name=name,
                shape=(self.modalities, channels),
                initializer=initializer,
                trainable=False,
                autocast=False,
            )
            setattr(self, name, weight)

    def update_moving(self, moving, value, seen=None):
        """Moves an average towards the statistics of a batch, by `1 - self.momentum`.

        Args:
            moving: Weight `(modalities, channels)`.
            value: Statistics `(count, channels)`.
            seen: Boolean `(count,)`: whether any example had the modality; `None` for yes.
        """
        old = self.pick(moving)
        value = ops.cast(value, old.dtype)
        updated = old * self.momentum + value * (1.0 - self.momentum)
        if seen is not None:
            updated = ops.where(ops.expand_dims(seen, 1), updated, old)
        if self.count < self.modalities:
            rows = ops.array([[row] for row in self.rows], dtype="int32")
            updated = ops.scatter_update(ops.convert_to_tensor(moving), rows, updated)
        moving.assign(updated)

    @staticmethod
    def mean_of_present(values, presence, synchronized=False):
        """Mean over the examples that have the modality, and whether there is one.

        Args:
            values: Statistics of each example, `(batch, count, channels)`.
            presence: Boolean `(batch, count)`.
            synchronized: Whether the examples of all replicas are meant.

        Returns:
            `(count, channels)` and boolean `(count,)`.
        """
        share = ops.cast(presence, values.dtype)
        number, total = ops.sum(share, 0), ops.sum(values * ops.expand_dims(share, 2), 0)
        if synchronized:
            number, total = sum_over_replicas(number), sum_over_replicas(total)
        return total / ops.expand_dims(ops.maximum(number, 1), 1), number > 0

    @staticmethod
    def _precision(inputs):
        return keras.backend.result_type(inputs.dtype, "float32")

    def get_config(self):
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }
