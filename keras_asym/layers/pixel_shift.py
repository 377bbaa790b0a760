import keras

from keras_asym.layers.modality_layer import ModalityLayer, checked_receivers
from keras_asym.ops import any_other, beside, from_next, merge_axis, shift_pixels, split_axis


@keras.saving.register_keras_serializable(package="keras_asym")
class PixelShift(ModalityLayer):
    """Adds the next modality's features, shifted by one pixel in four directions.

    `y[m] = inputs[m] + shift(source[next modality])`: four groups of C // 5 channels read the
    pixel above, left, right and below; the rest of the shift is zero (AsymFusion,
    [arXiv 2108.05009](https://arxiv.org/abs/2108.05009)). Free of parameters.

    Args:
        modalities: Number of modalities M. With one the layer returns `inputs`.
        reverse: Whether each group reads the opposite pixel.
        shifted: Whether the features are shifted; `False` adds all of them as they are, which is
            alike for both modalities (the control for the asymmetric operation).
        receivers: Indices of the modalities to which is added; `None` for all.

    Call arguments:
        inputs: Folded tensor to add to.
        source: Folded tensor of the same shape whose shift is added; `inputs` by default.
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.
            "Next" is the next one that is present; a modality that is alone stays as it is.

    Input shape:
        `(batch * modalities, height, width, channels)`, both.

    Output shape:
        That of the input.

    Raises:
        ValueError: If the shapes of the two inputs differ, or `receivers` are not indices of
            modalities.

    Example:

    >>> x = keras.ops.ones((4, 8, 8, 10))
    >>> keras_asym.layers.PixelShift(2)(x, x).shape
    (4, 8, 8, 10)
    """

    def __init__(self, modalities, reverse=False, shifted=True, receivers=None, **kwargs):
        super().__init__(modalities, **kwargs)
        self.reverse = reverse
        self.shifted = shifted
        self.receivers = checked_receivers(receivers, self)

    def call(self, inputs, source=None, presence=None):
        source = inputs if source is None else source
        self._check(inputs, source)
        if self.count == 1:
            return inputs
        given = shift_pixels(source, self.reverse) if self.shifted else source
        others = from_next(split_axis(given, self.count), presence)
        if presence is not None:
            others = keras.ops.where(beside(any_other(presence), others), others, 0.0)
        return self.only_receivers(inputs + merge_axis(others), inputs, self.receivers)

    def compute_output_spec(self, inputs, source=None, presence=None):
        self._check(inputs, inputs if source is None else source)
        return super().compute_output_spec(inputs)

    def _check(self, inputs, source):
        if tuple(source.shape[1:]) != tuple(inputs.shape[1:]):
            raise ValueError(
                f"Layer '{self.name}' adds shifted features and needs both inputs of one shape. "
                f"Received: {tuple(inputs.shape)} and {tuple(source.shape)}"
            )

    def get_config(self):
        return {
            **super().get_config(),
            "reverse": self.reverse,
            "shifted": self.shifted,
            "receivers": self.receivers,
        }
