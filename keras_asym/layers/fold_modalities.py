import keras

from keras_asym.keras_internals import register_presence
from keras_asym.ops import fold, merge_axis, only_present


@keras.saving.register_keras_serializable(package="keras_asym")
class FoldModalities(keras.layers.Layer):
    """Puts the modalities into the batch axis, example-major.

    One network then serves all modalities in one pass: layers that treat examples alike need no
    change. `UnfoldModalities` undoes it.

    Args:
        names: Names of the modalities, in order. With names the layer takes a dictionary.

    Call arguments:
        inputs: List of M tensors of equal shape, one for each modality, or a dictionary of them.
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.
            What stands in the place of an absent one, also if it is not a number, becomes zeros,
            which no layer of another modality looks at.

    Input shape:
        List of M times `(batch, height, width, channels)`.

    Output shape:
        `(batch * modalities, height, width, channels)`.

    Raises:
        ValueError: If the shapes differ or a modality is missing.

    Example:

    >>> rgb, depth = keras.ops.zeros((2, 8, 8, 3)), keras.ops.ones((2, 8, 8, 3))
    >>> keras_asym.layers.FoldModalities()([rgb, depth]).shape
    (4, 8, 8, 3)
    """

    def __init__(self, names=None, **kwargs):
        super().__init__(**kwargs)
        self.names = None if names is None else tuple(names)
        register_presence(self)

    def call(self, inputs, presence=None):
        inputs = self._in_order(inputs)
        self._check([tensor.shape for tensor in inputs])
        if presence is None:
            return fold(inputs)
        return merge_axis(only_present(keras.ops.stack(inputs, axis=1), presence))

    def _in_order(self, inputs):
        if self.names is None:
            if not isinstance(inputs, list | tuple):
                raise ValueError(
                    f"Layer '{self.name}' needs a list with one tensor for each modality; give it "
                    f"`names` to call it on a dictionary. Received: {type(inputs).__name__}"
                )
            return inputs
        if not isinstance(inputs, dict) or any(name not in inputs for name in self.names):
            received = sorted(inputs) if isinstance(inputs, dict) else type(inputs).__name__
            raise ValueError(
                f"Layer '{self.name}' needs a dictionary with the modalities {list(self.names)}. "
                f"Received: {received}"
            )
        return [inputs[name] for name in self.names]

    def _check(self, shapes):
        for shape in shapes[1:]:
            same = len(shape) == len(shapes[0]) and all(
                a is None or b is None or a == b for a, b in zip(shape, shapes[0], strict=True)
            )
            if not same:
                raise ValueError(
                    "The modalities of an example must have equal height, width and number of "
                    "channels; resize or crop them to one another first. Received: shapes="
                    f"{[tuple(s) for s in shapes]} in layer '{self.name}'"
                )

    def compute_output_shape(self, input_shape):
        input_shape = self._in_order(input_shape)
        self._check(input_shape)
        batch = input_shape[0][0]
        return (None if batch is None else batch * len(input_shape), *input_shape[0][1:])

    def get_config(self):
        return {**super().get_config(), "names": self.names}
