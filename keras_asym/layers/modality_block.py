import keras

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.layers.sublayers import from_description, replace_inside


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityBlock(ModalityLayer):
    """A layer made of layers, such as a transformer block, with private normalizations inside.

    What `to_multimodal` makes of a layer that holds normalizations: these are replaced, everything
    else is the layer's own and shared by the modalities. Also of a layer that its own config does
    not make again, so that the model can be saved.

    Args:
        modalities: Number of modalities M.
        layer: The layer as `keras.saving.serialize_keras_object` describes it; it is made anew.
        norms: Dictionary of the place of a normalization inside of `layer`, such as `"attn.norm"`
            or `"blocks.3.norm1"`, to the private one that takes it.
        arguments: `(args, kwargs)` that the layer is called with, symbolic tensors in it, by which
            it and all that it holds are built.

    Call arguments:
        inputs: Folded tensor, the first argument of `layer`; others follow.
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.

    Input shape:
        What `layer` takes, folded.

    Output shape:
        What `layer` gives.

    Raises:
        ValueError: If `norms` names a place where `layer` has no normalization.

    Example:

    >>> norm = keras.layers.LayerNormalization()
    >>> plain = keras.saving.serialize_keras_object(keras.layers.TimeDistributed(norm))
    >>> tokens = keras.KerasTensor((None, 16, 8))
    >>> norms = {"layer": keras_asym.layers.ModalityLayerNormalization(2)}
    >>> block = keras_asym.layers.ModalityBlock(2, plain, norms, ((tokens,), {}))
    >>> block(keras.ops.ones((4, 16, 8))).shape
    (4, 16, 8)
    """

    mixes_modalities = False  # those inside of it say it themselves

    def __init__(self, modalities, layer, norms, arguments, **kwargs):
        made = from_description(layer)
        kwargs.setdefault("name", made.name)
        kwargs.setdefault("dtype", made.dtype_policy)
        super().__init__(modalities, **kwargs)
        self._description = layer
        self._arguments = _encoded(arguments)
        args, kwargs = arguments
        self._constants = {
            key: x for key, x in kwargs.items() if not _holds_tensors(x) and key != "training"
        }
        made(*args, **kwargs)
        self.layer = made
        self.norms = {}
        self.replace(norms)
        self.built = True

    def replace(self, norms):
        """Puts private normalizations in their places; see the argument `norms`."""
        missing = set(norms)

        def private(path, plain):
            if path not in norms:
                return None
            missing.discard(path)
            if not norms[path].built:
                norms[path].build(plain.get_build_config()["input_shape"])
            return norms[path]

        replace_inside(self.layer, private)
        if missing:
            raise ValueError(
                f"`norms` must name places inside of layer '{self.name}'. Received: "
                f"{sorted(missing)}, where there is no layer"
            )
        self.norms = {**self.norms, **norms}

    def __call__(self, *args, **kwargs):
        # Keras takes either tensors or other values where the signature does not name arguments.
        given = {
            key: x
            for key, x in kwargs.items()
            if _holds_tensors(x) or x != self._constants.get(key)
        }
        return super().__call__(*args, **given)

    def call(self, inputs, *args, presence=None, **kwargs):
        return self.layer(inputs, *args, **self._constants, **kwargs)

    def compute_output_spec(self, *args, presence=None, **kwargs):
        # By calling it, on one example: JAX cannot divide an unknown batch by the modalities.
        given = _with_batch((args, kwargs), None, self.count)
        outputs = keras.Operation.compute_output_spec(self, *given[0], **given[1])
        unknown = args[0].shape[0] is None
        return _with_batch(outputs, self.count, None) if unknown else outputs

    def get_config(self):
        return {
            **super().get_config(),
            "layer": self._description,
            "norms": {
                path: keras.saving.serialize_keras_object(norm) for path, norm in self.norms.items()
            },
            "arguments": self._arguments,
        }

    @classmethod
    def from_config(cls, config):
        norms = {
            path: keras.saving.deserialize_keras_object(norm)
            for path, norm in config["norms"].items()
        }
        return cls(**{**config, "norms": norms, "arguments": _decoded(config["arguments"])})


def _holds_tensors(value):
    return any(hasattr(x, "shape") for x in keras.tree.flatten(value))  # also NumPy's arrays


def _with_batch(structure, old, new):
    """Symbolic tensors of the batch size `old` as such of `new`."""

    def changed(x):
        if isinstance(x, keras.KerasTensor) and x.shape[:1] == (old,):
            return keras.KerasTensor((new, *x.shape[1:]), dtype=x.dtype)
        return x

    return keras.tree.map_structure(changed, structure)


def _encoded(value):
    """Arguments of a call as JSON can hold them."""
    if isinstance(value, keras.KerasTensor):
        return {"shape": list(value.shape), "dtype": value.dtype}
    if isinstance(value, list | tuple):
        return [_encoded(x) for x in value]
    if isinstance(value, dict):
        return {key: _encoded(x) for key, x in value.items()}
    return value


def _decoded(value):
    if isinstance(value, dict):
        if sorted(value) == ["dtype", "shape"]:
            return keras.KerasTensor(tuple(value["shape"]), dtype=value["dtype"])
        return {key: _decoded(x) for key, x in value.items()}
    return [_decoded(x) for x in value] if isinstance(value, list) else value
