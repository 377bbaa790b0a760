import contextlib

import keras
import tensorflow as tf

from keras_asym.export.constants import constant
from keras_asym.export.side_by_side import side_by_side
from keras_asym.export.transposed_convolution import as_convolutions
from keras_asym.keras_internals import sublayers
from keras_asym.layers.sublayers import copy_weights


class InferenceForm:
    """A trained `Segmenter` or `Translator` for inference alone, on TensorFlow.

    It is the model's own `call(images, training=False)`, so that any layer runs as it does in the
    model, with a constant in the place of each weight: TensorFlow computes what follows from
    constants alone once (the scale and offset of a normalization, the mask of a channel exchange),
    and brings a kernel into its own order once. Transposed convolutions run as convolutions.

    The weights are those at the time of the call (of tracing, in a `tf.function`). The state of
    random numbers stays a variable: dropout that the model keeps at test time draws another mask in
    each run. A model of mixed precision is computed in float32.

    Args:
        model: `Segmenter` or `Translator`, also one that `select` has made.
        constant_of: Function of a weight that gives its constant: `constant`, or a
            `SharedConstants` for forms that go into one SavedModel, both of
            `keras_asym.export.constants`. `None` keeps the weights in variables, where a graph,
            which is limited to 2 GiB, could not hold them.
        side_by_side: Whether each modality is computed by itself, with its own norms in its own
            copies of the kernels, once a runtime has optimized the graph: for small networks, and
            for int8. See `keras_asym.export.side_by_side`. With `"present"` they stay folded.

    Call arguments:
        images: Dictionary of images by modality name, as the model takes them, also with
            `"present"`.
        read: Function of the model's outputs that gives what is returned. Weights are constants in
            it, too.

    Attributes:
        model: The model, in float32.
        modality_names: Names of the modalities, in order.
        output_keys: Names of the outputs: the modalities and `"ensemble"`.

    Raises:
        ValueError: If `model` is neither, or a layer changes a weight of it at inference.

    Example:

    >>> network = keras_asym.networks.RefineNet("resnet18", 5, "light", (8, 8, 8, 8), 8)
    >>> model = keras_asym.models.Segmenter(network, {"rgb": 3, "depth": 1})
    >>> form = keras_asym.export.InferenceForm(model)
    >>> form({"rgb": np.zeros((1, 64, 64, 3)), "depth": np.zeros((1, 64, 64, 1))})["ensemble"].shape
    (1, 64, 64, 5)
    """

    def __init__(self, model, constant_of=constant, side_by_side=False):
        if not hasattr(model, "modality_names") or not hasattr(model, "output_keys"):
            raise ValueError(
                "`model` must be a Segmenter or a Translator. Received: model="
                f"{getattr(model, 'name', model)}"
            )
        self.model = in_float32(model)
        self.constant_of = constant_of
        self.side_by_side = side_by_side
        self.modality_names = tuple(model.modality_names)
        self.output_keys = tuple(model.output_keys)

    def __call__(self, images, read=lambda outputs: outputs):
        inputs = {name: images[name] for name in self.modality_names}
        if self.model.preprocessor is None:
            inputs = {name: tf.cast(image, "float32") for name, image in inputs.items()}
        if "present" in images:
            inputs["present"] = images["present"]
        network = self.model.network
        alone = self.side_by_side and "present" not in images
        apart = side_by_side(network) if alone else contextlib.nullcontext()
        if self.constant_of is None:
            with apart:
                return read(self.model(inputs, training=False))
        with apart, _constants(network, self.constant_of), as_convolutions():
            return read(self.model(inputs, training=False))


@contextlib.contextmanager
def _constants(network, constant_of):
    """A scope in which the weights of a network are constants."""
    weights = network.weights  # without the states of random numbers
    with keras.StatelessScope([(weight, constant_of(weight)) for weight in weights]) as scope:
        before = [scope.get_current_value(weight) for weight in weights]
        yield
    for weight, value in zip(weights, before, strict=True):
        if scope.get_current_value(weight) is not value:
            raise ValueError(
                "A model for inference must not change its weights: a layer assigns to "
                f"'{weight.path}' when `training` is False. Let it assign in training alone"
            )
    held = {id(weight) for weight in weights}
    for state in network.variables:
        value = scope.get_current_value(state)
        if id(state) not in held and value is not None:
            state.assign(value)


def in_float32(model):
    """The model, or a copy that computes in float32 where it does not."""
    if all(layer.compute_dtype == "float32" for layer in sublayers(model.network)):
        return model
    copy = type(model).from_config(_with_float32(model.get_config()))
    copy_weights(model, copy)
    return copy


def _with_float32(config):
    if isinstance(config, list | tuple):
        return type(config)(_with_float32(value) for value in config)
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        return {**config, "config": {"name": "float32"}}
    return {key: _with_float32(value) for key, value in config.items()}
