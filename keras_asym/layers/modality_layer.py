import contextlib
import contextvars
import operator

import keras

from keras_asym.keras_internals import LossesOfReplica, register_presence
from keras_asym.ops import beside, merge_axis, split_axis

_ROWS = contextvars.ContextVar("rows", default=None)


@contextlib.contextmanager
def only_rows(rows):
    """Inside, folded tensors hold only the modalities `rows`, a tuple of their indices."""
    token = _ROWS.set(tuple(rows))
    try:
        yield
    finally:
        _ROWS.reset(token)


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityLayer(LossesOfReplica, keras.layers.Layer):
    """Base of the layers that know how many modalities a folded batch holds; also of your own.

    The folded axis holds `count` modalities, whose indices are `rows`: all of them, or those of a
    model that `select` has made. A layer with a weight for each modality takes `pick(weight)` of
    it. A layer that lets modalities look at one another takes `presence` in its call and leaves
    those alone that an example does not have.

    Args:
        modalities: Number of modalities M, at least 1.

    Attributes:
        mixes_modalities: Of the class: whether modalities look at one another in it. Where none
            but the ensemble does, `modality_dropout` of a model takes nothing from the branches.

    Call arguments:
        inputs: Folded tensor.
        presence: Boolean `(batch, count)`: which modalities each example has; `None` for all. It
            is handed on from the model's call without being passed, as `training` is.

    Input shape:
        `(batch * modalities, ...)`.

    Output shape:
        That of the input, unless `compute_output_spec` says otherwise.

    Raises:
        ValueError: If `modalities` is not such a number.

    Example:

    >>> class Leaning(keras_asym.layers.ModalityLayer):
    ...     def call(self, inputs, presence=None):
    ...         x = keras_asym.ops.split_axis(inputs, self.count)
    ...         others = keras_asym.ops.mean_of_others(x, presence)
    ...         return keras_asym.ops.merge_axis(x + 0.1 * others)
    >>> Leaning(2)(keras.ops.ones((4, 8, 8, 3))).shape
    (4, 8, 8, 3)
    """

    mixes_modalities = True

    def __init__(self, modalities, **kwargs):
        super().__init__(**kwargs)
        try:
            count = operator.index(modalities)
        except TypeError:
            count = 0
        if count < 1 or isinstance(modalities, bool):
            raise ValueError(
                "`modalities` must be an integer of at least 1. "
                f"Received: modalities={modalities!r} for layer '{self.name}'"
            )
        self.modalities = count
        register_presence(self)

    @property
    def rows(self):
        """Indices of the modalities that the folded axis holds, a tuple."""
        rows = _ROWS.get()
        if rows is None:
            return tuple(range(self.modalities))
        if max(rows) >= self.modalities:
            raise ValueError(
                f"Layer '{self.name}' is for {self.modalities} modalities, but the model selects "
                f"those with the indices {rows}: the layers of a model must agree on `modalities`."
            )
        return rows

    @property
    def count(self):
        """Number of modalities that the folded axis holds."""
        return len(self.rows)

    def pick(self, weight):
        """The rows of a `(modalities, ...)` weight that belong to the folded axis."""
        value = keras.ops.convert_to_tensor(weight)
        if self.rows == tuple(range(self.modalities)):
            return value
        return keras.ops.take(value, keras.ops.array(self.rows, dtype="int32"), axis=0)

    def batch_size_of(self, shape):
        """Number of examples in a folded shape; `None` where it is not known."""
        return None if shape[0] is None else shape[0] // self.count

    def only_receivers(self, changed, inputs, receivers):
        """Folded tensors put together: `changed` for the modalities that receive, else `inputs`.

        Args:
            changed, inputs: Folded tensors.
            receivers: Indices of the modalities that receive; `None` for all.
        """
        if receivers is None:
            return changed
        receives = keras.ops.array([[row in receivers for row in self.rows]])
        changed, inputs = (split_axis(x, self.count) for x in (changed, inputs))
        return merge_axis(keras.ops.where(beside(receives, inputs), changed, inputs))

    def presence_here(self, presence):
        """`presence` of the model for what this layer holds: any, where modalities are merged."""
        if presence is None or presence.shape[1] == self.count:
            return presence
        return keras.ops.any(presence, axis=1, keepdims=True)

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_spec(self, inputs, *args, **kwargs):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "modalities": self.modalities}


def checked_receivers(receivers, layer):
    """Indices of the modalities that receive, as a list; `None` for all.

    Raises:
        ValueError: If they are not indices of the layer's modalities.
    """
    if receivers is None:
        return None
    found = list(receivers) if isinstance(receivers, list | tuple) else [receivers]
    if not set(found) <= set(range(layer.modalities)):
        raise ValueError(
            f"`receivers` must be indices in 0..{layer.modalities - 1}, or None for all. "
            f"Received: receivers={receivers!r} for layer '{layer.name}'"
        )
    return found
