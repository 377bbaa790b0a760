import keras

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.layers.sublayers import replace_inside, settings_of


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityBlock(ModalityLayer):
    """A layer made of layers, such as a transformer block, with private normalizations inside.

    What `to_multimodal` makes of a layer that holds normalizations: these are replaced, everything
    else is the layer's own and shared by the modalities.

    Args:
        modalities: Number of modalities M.
        layer: The layer, which is changed. It has been called, so that all that it holds is there.
        norms: Dictionary of the place of a normalization inside of `layer`, such as `"attn.norm"`
            or `"blocks.3.norm1"`, to the private one that takes it.
        arguments: `(args, kwargs)` that the layer is called with, symbolic tensors in it; with them
            it is built when a model is loaded.

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

    >>> class Block(keras.layers.Layer):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.norm = keras.layers.LayerNormalization()
    ...     def call(self, inputs):
    ...         return inputs + self.norm(inputs)
    >>> tokens = keras.KerasTensor((None, 16, 8))
    >>> block = Block(name="block")
    >>> _ = block(tokens)
    >>> norms = {"norm": keras_asym.layers.ModalityLayerNormalization(2)}
    >>> block = keras_asym.layers.ModalityBlock(2, block, norms, ((tokens,), {}))
    >>> block(keras.ops.ones((4, 16, 8))).shape
    (4, 16, 8)
    """

    def __init__(self, modalities, layer, norms, arguments, **kwargs):
        kwargs.setdefault("name", layer.name)
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(modalities, **kwargs)
        # As they are in the config: the layer itself will not be plain any more.
        self._plain = {**keras.saving.serialize_keras_object(layer), "config": settings_of(layer)}
        self._plain.pop("build_config", None)
        self._arguments = _encoded(arguments)
        self.norms = dict(norms)
        missing = set(norms)

        def private(path, plain):
            if path not in norms:
                return None
            missing.discard(path)
            norms[path].build(plain.get_build_config()["input_shape"])
            return norms[path]

        replace_inside(layer, private)
        if missing:
            raise ValueError(
                f"`norms` must name places inside of layer '{layer.name}'. Received: "
                f"{sorted(missing)}, where there is no layer"
            )
        self.layer = layer
        self.built = True

    def call(self, inputs, *args, presence=None, **kwargs):
        return self.layer(inputs, *args, **kwargs)

    def compute_output_shape(self, *args, **kwargs):
        return self.layer.compute_output_shape(*args, **kwargs)

    def compute_output_spec(self, inputs, *args, presence=None, **kwargs):
        return keras.layers.Layer.compute_output_spec(self, inputs, *args, **kwargs)

    def get_config(self):
        return {
            **super().get_config(),
            "layer": self._plain,
            "norms": {
                path: keras.saving.serialize_keras_object(norm) for path, norm in self.norms.items()
            },
            "arguments": self._arguments,
        }

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        norms = {
            path: keras.saving.deserialize_keras_object(norm)
            for path, norm in config["norms"].items()
        }
        args, kwargs = arguments = _decoded(config["arguments"])
        layer(*args, **kwargs)
        return cls(**{**config, "layer": layer, "norms": norms, "arguments": arguments})


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
