"""What the signatures of an exported model take and answer."""

import dataclasses
import functools
from collections.abc import Callable

import tensorflow as tf

from keras_asym.export.any_subset import (
    PRESENT,
    SENSORS_USED,
    decode_present,
    files_of_request,
    presence_of_request,
    used_sensors,
    whole_images,
)
from keras_asym.export.constants import SharedConstants
from keras_asym.export.encoded_images import can_be_decoded, decode_images
from keras_asym.export.image_checks import checked_images
from keras_asym.export.inference_form import InferenceForm, in_float32
from keras_asym.models import Calibration, Segmenter

_MOST_CONSTANTS = 2**30  # bytes; a protocol buffer holds less than 2 GiB
_STRIDES = tuple(2**power for power in range(11))
OUTPUTS = ("classes", "confidence", "uncertainty", "probabilities")
ANY = "serving_any"


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
        calibration: `Calibration` of the confidence.
        any_subset: Whether there are signatures that take any subset of the sensors.
        is_absent: Function of (modality name, raw images) to booleans `(batch,)`: which frames
            count as absent in these; or `None`.
    """

    dtypes: dict[str, str]
    channels: dict[str, int]
    preprocess: Callable
    outputs: tuple[str, ...]
    branches: bool
    max_pixels: int
    max_request_pixels: int
    stride: int
    calibration: Calibration
    any_subset: bool
    is_absent: Callable | None


def build_signatures(model, contract, subsets, side_by_side=False):
    """The concrete functions of the signatures by name.

    Args:
        model: `Segmenter` or `Translator`.
        contract: `Contract`.
        subsets: Lists of modality names that get a signature of their own.
        side_by_side: As for `InferenceForm`.

    Returns:
        Dictionary of `tf.ConcreteFunction`s: `serving_default`; `serving_encoded` where all images
        can be PNG files; `serving_any` and `serving_any_encoded` with `contract.any_subset`;
        `serving_<name>_<name>` for each subset.
    """
    model = in_float32(model)  # one copy, so that all signatures share its weights
    fits = 4 * model.network.count_params() < _MOST_CONSTANTS
    constant_of = SharedConstants() if fits else None
    whole = _images_function(model, contract, constant_of, side_by_side)
    names = model.modality_names
    signatures = {"serving_default": _images_signature(whole, contract, names)}
    encoded = all(can_be_decoded(contract.channels[x], contract.dtypes[x]) for x in names)
    if encoded:
        signatures["serving_encoded"] = _encoded_signature(whole, contract, names)
    if contract.any_subset:
        masked = _images_function(model, contract, constant_of, masked=True)
        signatures[ANY] = _images_signature(masked, contract, names, masked=True)
        if encoded:
            signatures[f"{ANY}_encoded"] = _any_encoded_signature(masked, contract, names)
    for subset in subsets:
        part = model.select(list(subset))
        name = "_".join(("serving", *part.modality_names))
        if name in signatures:
            raise ValueError(
                f"`subsets` must give each signature another name than {sorted(signatures)}. "
                f"Received: subsets={[list(x) for x in subsets]}, of which {list(subset)} gives "
                f"'{name}'"
            )
        function = _images_function(part, contract, constant_of, side_by_side)
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


def _images_function(model, contract, constant_of, side_by_side=False, masked=False):
    """From raw images, and with `masked` which of them each example has, to answers."""
    form = InferenceForm(model, constant_of, side_by_side)
    names = form.modality_names
    channels = {name: contract.channels[name] for name in names}
    read = _answers if isinstance(model, Segmenter) else _pictures

    def answer(inputs):
        images, presence = {name: inputs[name] for name in names}, None
        if masked:
            images, there = whole_images(images, channels)
        images = checked_images(
            images,
            channels,
            contract.max_pixels,
            contract.max_request_pixels,
            contract.stride,
            tf.shape if masked else None,
        )
        if masked:
            batch = tf.shape(images[names[0]])[0]
            presence = presence_of_request(inputs[PRESENT], there, batch, names)
            presence = used_sensors(presence, images, contract.is_absent, names)
        inputs = {name: contract.preprocess(name, image) for name, image in images.items()}
        if masked:
            inputs[PRESENT] = presence
        outputs = form(inputs, functools.partial(read, model, contract, presence))
        return {**outputs, SENSORS_USED: presence} if masked else outputs

    specs = _specs(contract, names, masked)
    return tf.function(answer, input_signature=[specs], autograph=False)


def _answers(model, contract, presence, logits):
    """What is answered of a Segmenter's logits."""
    calibration, names = contract.calibration, model.modality_names
    dtype = "uint8" if model.num_classes <= 256 else "int32"
    found = {}
    for key in _keys(model, contract):
        z = logits[key]
        answers = {
            "classes": lambda z=z: tf.cast(tf.argmax(z, axis=-1, output_type="int32"), dtype),
            "confidence": lambda z=z, key=key: _present_alone(
                calibration.confidence(key, z, names, presence), key, names, presence
            ),
            "probabilities": lambda z=z, key=key: tf.nn.softmax(
                calibration.scaled(key, z, names, presence)
            ),
        }
        if key == "ensemble":
            answers["uncertainty"] = lambda: calibration.uncertainty(model, logits, presence)
        prefix = "" if key == "ensemble" else f"{key}_"
        found |= {prefix + name: answers[name]() for name in contract.outputs if name in answers}
    return found


def _present_alone(confidence, key, names, presence):
    """Nothing is sure about the branch of a modality that is absent."""
    if presence is None or key not in names:
        return confidence
    there = presence[:, names.index(key), None, None]
    return tf.where(there, confidence, 0.0)


def _pictures(model, contract, presence, images):
    # Not `tf.saturate_cast`, for whose operation LiteRT has none.
    return {
        "image" if key == "ensemble" else f"{key}_image": tf.cast(
            tf.clip_by_value(tf.round(127.5 * (images[key] + 1)), 0, 255), "uint8"
        )
        for key in _keys(model, contract)
    }


def _keys(model, contract):
    return model.output_keys if contract.branches else ("ensemble",)


def _specs(contract, names, masked=False):
    specs = {
        name: tf.TensorSpec(
            (None, None, None, contract.channels[name]), contract.dtypes[name], name=name
        )
        for name in names
    }
    if masked:
        specs[PRESENT] = tf.TensorSpec((None, len(names)), "bool", name=PRESENT)
    return specs


def _images_signature(function, contract, names, masked=False):
    signature = tf.function(lambda **images: function(images), autograph=False)
    return signature.get_concrete_function(**_specs(contract, names, masked))


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


def _any_encoded_signature(function, contract, names):
    def answer(**files):
        limits = contract.max_pixels, contract.max_request_pixels
        files = files_of_request(files, names)
        found = {
            x: decode_present(x, files[x], contract.channels[x], contract.dtypes[x], *limits)
            for x in names
        }
        present = tf.stack([there for _, there in found.values()], axis=1)
        return function({**{name: image for name, (image, _) in found.items()}, PRESENT: present})

    specs = {name: tf.TensorSpec((None,), "string", name=name) for name in names}
    return tf.function(answer, autograph=False).get_concrete_function(**specs)


def default_inputs(signatures):
    """What is taken for an input that a client leaves out, by signature and input.

    Returns:
        `{signature: {input: array}}`, without any value in them: absent.
    """
    return {
        key: {
            name: tf.zeros([side or 0 for side in spec.shape], spec.dtype)
            for name, spec in signatures[key].structured_input_signature[1].items()
        }
        for key in (ANY, f"{ANY}_encoded")
        if key in signatures
    }
