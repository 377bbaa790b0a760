"""What the signatures of an exported model take and answer."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from keras_asym.export.constants import SharedConstants
from keras_asym.export.encoded_images import can_be_decoded, decode_images
from keras_asym.export.image_checks import checked_images
from keras_asym.export.inference_form import InferenceForm, in_float32
from keras_asym.models import Segmenter

_MOST_CONSTANTS = 2**30  # bytes; a protocol buffer holds less than 2 GiB
_STRIDES = tuple(2**power for power in range(11))
OUTPUTS = ("classes", "confidence", "probabilities")


@dataclasses.dataclass
class Contract:
    """What a client sends, what becomes of it and what comes back.

    Attributes:
        dtypes: Modality name -> dtype of the raw images.
        channels: Modality name -> their number of channels.
        preprocess: Function of (modality name, raw images) to the network's float32 input.
        outputs: Of a Segmenter: some of `OUTPUTS`.
        branches: Whether each modality's own outputs are answered, too.
        max_pixels: Largest height times width of an image.
        max_request_pixels: Largest height times width times number of images of a modality.
        stride: What height and width must be multiples of.
    """

    dtypes: dict[str, str]
    channels: dict[str, int]
    preprocess: Callable
    outputs: tuple[str, ...]
    branches: bool
    max_pixels: int
    max_request_pixels: int
    stride: int


def build_signatures(model, contract, subsets):
    """The concrete functions of the signatures by name.

    Args:
        model: `Segmenter` or `Translator`.
        contract: `Contract`.
        subsets: Lists of modality names that get a signature of their own.

    Returns:
        Dictionary of `tf.ConcreteFunction`s: `serving_default`; `serving_encoded` where all images
        can be PNG files; `serving_<name>_<name>` for each subset.
    """
    model = in_float32(model)  # one copy, so that all signatures share its weights
    fits = 4 * model.network.count_params() < _MOST_CONSTANTS
    constant_of = SharedConstants() if fits else None
    whole = _images_function(model, contract, constant_of)
    names = model.modality_names
    signatures = {"serving_default": _images_signature(whole, contract, names)}
    if all(can_be_decoded(contract.channels[name], contract.dtypes[name]) for name in names):
        signatures["serving_encoded"] = _encoded_signature(whole, contract, names)
    for subset in subsets:
        part = model.select(list(subset))
        name = "_".join(("serving", *part.modality_names))
        if name in signatures:
            raise ValueError(
                f"`subsets` must give each signature another name than {sorted(signatures)}. "
                f"Received: subsets={[list(x) for x in subsets]}, of which {list(subset)} gives "
                f"'{name}'"
            )
        function = _images_function(part, contract, constant_of)
        signatures[name] = _images_signature(function, contract, part.modality_names)
    return signatures


def stride_of(model):
    """What height and width must be multiples of, so that a Translator gives images of that size.

    1 for a Segmenter, which takes any size.
    """
    if isinstance(model, Segmenter):
        return 1
    for stride in _STRIDES:
        shapes = {n: (1, stride, stride, x.shape[-1]) for n, x in model.network.input.items()}
        try:
            size = model.network.compute_output_shape(shapes)["ensemble"][1:3]
        except ValueError:  # features that do not fit one another
            continue
        if tuple(size) == (stride, stride):
            return stride
    raise ValueError(
        f"The generator of `model` must give images of its inputs' size for one of {_STRIDES}. "
        f"Received: model={model.name}"
    )


def _images_function(model, contract, constant_of):
    """From raw images to answers."""
    form = InferenceForm(model, constant_of)

    def answer(images):
        channels = {name: contract.channels[name] for name in images}
        images = checked_images(
            images, channels, contract.max_pixels, contract.max_request_pixels, contract.stride
        )
        inputs = {name: contract.preprocess(name, image) for name, image in images.items()}
        logits = form(inputs)
        keys = form.output_keys if contract.branches else ("ensemble",)
        read = _classes if isinstance(model, Segmenter) else _image
        outputs = {}
        for key in keys:
            prefix = "" if key == "ensemble" else f"{key}_"
            for name, value in read(logits[key], contract).items():
                outputs[prefix + name] = value
        return outputs

    specs = _specs(contract, form.modality_names)
    return tf.function(answer, input_signature=[specs], autograph=False)


def _classes(logits, contract):
    dtype = "uint8" if logits.shape[-1] <= 256 else "int32"
    answers = {
        "classes": lambda: tf.cast(tf.argmax(logits, axis=-1, output_type="int32"), dtype),
        "confidence": lambda: _largest_probability(logits),
        "probabilities": lambda: tf.nn.softmax(logits),
    }
    return {name: answers[name]() for name in contract.outputs}


def _largest_probability(logits):
    largest = tf.reduce_max(logits, axis=-1, keepdims=True)
    return 1 / tf.reduce_sum(tf.exp(logits - largest), axis=-1)


def _image(image, contract):
    # Not `tf.saturate_cast`, for whose operation LiteRT has none.
    return {"image": tf.cast(tf.clip_by_value(tf.round(127.5 * (image + 1)), 0, 255), "uint8")}


def _specs(contract, names):
    return {
        name: tf.TensorSpec(
            (None, None, None, contract.channels[name]), contract.dtypes[name], name=name
        )
        for name in names
    }


def _images_signature(function, contract, names):
    signature = tf.function(lambda **images: function(images), autograph=False)
    return signature.get_concrete_function(**_specs(contract, names))


def _encoded_signature(function, contract, names):
    def answer(**files):
        images = {
            name: decode_images(
                name,
                files[name],
                contract.channels[name],
                contract.dtypes[name],
                contract.max_pixels,
                contract.max_request_pixels,
            )
            for name in names
        }
        return function(images)

    specs = {name: tf.TensorSpec((None,), "string", name=name) for name in names}
    return tf.function(answer, autograph=False).get_concrete_function(**specs)
