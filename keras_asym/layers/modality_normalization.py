from keras import constraints, initializers, ops, regularizers

from keras_asym.layers.modality_layer import ModalityLayer


class ModalityNormalization(ModalityLayer):
    """Base of the normalizations: gamma and beta of shape `(modalities, channels)`, in float32.

    Args:
        modalities: Number of modalities M.
        epsilon: Added to the variance.
        center: Whether beta is added.
        scale: Whether gamma multiplies.
        beta_initializer, gamma_initializer: Initializers of the weights.
        beta_regularizer, gamma_regularizer: Regularizers of the weights.
        beta_constraint, gamma_constraint: Constraints of the weights.
    """

    def __init__(
        self,
        modalities,
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
        for name, wanted in (("gamma", self.scale), ("beta", self.center)):
            if wanted:
                weight = self.add_weight(
                    name=name,
                    shape=(self.modalities, input_shape[-1]),
                    initializer=getattr(self, f"{name}_initializer"),
                    regularizer=getattr(self, f"{name}_regularizer"),
                    constraint=getattr(self, f"{name}_constraint"),
                    autocast=False,
                )
                setattr(self, name, weight)

    def scale_and_offset(self, mean, variance, present, broadcast):
        """Scale and offset with which `x * scale + offset` is the normalized x.

        Args:
            mean, variance: Statistics; anything that broadcasts with `broadcast`.
            present: The modalities that are there.
            broadcast: Shape that the rows of gamma and beta get.
        """
        scale = ops.rsqrt(variance + self.epsilon)
        if self.scale:
            scale = scale * ops.reshape(self.pick(self.gamma, present), broadcast)
        offset = -mean * scale
        if self.center:
            offset = offset + ops.reshape(self.pick(self.beta, present), broadcast)
        return scale, offset

    def update_moving(self, moving, value, rows):
        """Moves the average `(modalities, channels)` towards the statistics of a batch.

        Args:
            moving: Weight of the moving average; moves by `1 - self.momentum`.
            value: Statistics `(len(rows), channels)`.
            rows: The modalities that are there.
        """
        decay = 1.0 - self.momentum
        if rows == tuple(range(self.modalities)):
            moving.assign(moving * self.momentum + value * decay)
        else:
            indices = ops.array([[row] for row in rows], dtype="int32")
            updated = ops.take(moving, indices[:, 0], axis=0) * self.momentum + value * decay
            moving.assign(ops.scatter_update(moving, indices, updated))

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
