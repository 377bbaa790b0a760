import keras


class ModalityLayer(keras.layers.Layer):
    """Base of the layers that know how many modalities a folded batch holds.

    Calls accept `present`, a tuple of modality indices: the folded input then holds only these, in
    this order, and the layer uses their rows of its weights. `None` stands for all. It is how a
    model runs on a subset of its sensors while it shares every weight.

    Args:
        modalities: Number of modalities M, at least 1.
    """

    def __init__(self, modalities, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(modalities, int) or modalities < 1:
            raise ValueError(
                "`modalities` must be an integer of at least 1. "
                f"Received: modalities={modalities!r} for layer '{self.name}'"
            )
        self.modalities = modalities

    def rows(self, present):
        """The modality indices that the folded input holds, checked."""
        if present is None:
            return tuple(range(self.modalities))
        present = tuple(present)
        if not present or len(set(present)) != len(present):
            raise ValueError(f"`present` must name distinct modalities. Received: {present}")
        if any(index not in range(self.modalities) for index in present):
            raise ValueError(
                f"`present` must hold indices in 0..{self.modalities - 1}. Received: {present}"
            )
        return present

    def pick(self, weight, present):
        """The rows of a `(modalities, ...)` weight that belong to `present`."""
        rows = self.rows(present)
        value = keras.ops.convert_to_tensor(weight)
        if rows == tuple(range(self.modalities)):
            return value
        return keras.ops.take(value, keras.ops.array(rows, dtype="int32"), axis=0)

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_spec(self, inputs, *args, **kwargs):
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "modalities": self.modalities}
