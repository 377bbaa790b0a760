import functools

import tensorflow as tf

from keras_asym.export.kernels import constant_kernel
from keras_asym.export.layer_forms import run_layer
from keras_asym.fusion.graph import rebuild
from keras_asym.models import Segmenter
from keras_asym.ops import resize_bicubic, resize_bilinear


class InferenceForm:
    """A trained `Segmenter` or `Translator` as TensorFlow operations for inference alone.

    It gives what `model(images, training=False)` gives, with less work in between:

    - The modalities stand side by side instead of in the batch axis, so that what is private to
      one needs no broadcasting: statistics, gamma and beta become one scale and one offset for each
      modality and channel.
    - Kernels are constants, which TensorFlow brings into its own order once and not in each run.
    - The mask of a channel exchange is a constant.
    - Dropout is gone, unless the model keeps it at test time.

    Instance normalization goes on to compute its statistics. The weights are those at the time of
    the call (of tracing, in a `tf.function`). A model of mixed precision is computed in float32.

    Args:
        model: `Segmenter` or `Translator`, also one that `select` has made.
        kernel_of: `constant_kernel`; `variable_kernel` where a graph, which is limited to 2 GiB,
            could not hold them; or a `SharedKernels` for forms that go into one SavedModel. All of
            `keras_asym.export.kernels`.

    Call arguments:
        images: Dictionary of images by modality name, as the model takes them.

    Attributes:
        model: The model, in float32.
        modality_names: Names of the modalities, in order.
        output_keys: Names of the outputs: the modalities and `"ensemble"`.

    Raises:
        ValueError: If `model` is neither.

    Example:

    >>> network = keras_asym.networks.RefineNet("resnet18", 5, "light", (8, 8, 8, 8), 8)
    >>> model = keras_asym.models.Segmenter(network, {"rgb": 3, "depth": 1})
    >>> form = keras_asym.export.InferenceForm(model)
    >>> form({"rgb": np.zeros((1, 64, 64, 3)), "depth": np.zeros((1, 64, 64, 1))})["ensemble"].shape
    (1, 64, 64, 5)
    """

    def __init__(self, model, kernel_of=constant_kernel):
        if not hasattr(model, "modality_names") or not hasattr(model, "output_keys"):
            raise ValueError(
                "`model` must be a Segmenter or a Translator. Received: model="
                f"{getattr(model, 'name', model)}"
            )
        self.model = in_float32(model)
        self.kernel_of = kernel_of
        self.modality_names = tuple(model.modality_names)
        self.output_keys = tuple(model.output_keys)

    def __call__(self, images):
        images = {name: tf.cast(images[name], "float32") for name in self.modality_names}
        run = functools.partial(run_layer, kernel_of=self.kernel_of)
        outputs = rebuild(self.model.network, images, lambda layer: layer, run)
        if not isinstance(self.model, Segmenter):
            return {key: outputs[key] for key in self.output_keys}
        resize = resize_bicubic if self.model.evaluation_resize == "bicubic" else resize_bilinear
        size = tf.unstack(tf.shape(images[self.modality_names[0]])[1:3])
        return {key: resize(outputs[key], size) for key in self.output_keys}


def in_float32(model):
    """The model, or a copy that computes in float32 where it does not."""
    if all(layer.compute_dtype == "float32" for layer in model.network.layers):
        return model
    copy = type(model).from_config(_with_float32(model.get_config()))
    copy.set_weights(model.get_weights())
    return copy


def _with_float32(config):
    if isinstance(config, list | tuple):
        return type(config)(_with_float32(value) for value in config)
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        return {**config, "config": {"name": "float32"}}
    return {key: _with_float32(value) for key, value in config.items()}
