"""Tiny models as SavedModels that answer in floats, and what every runtime should answer."""

import tensorflow as tf

from keras_asym.export import InferenceForm
from keras_asym.fusion import AsymmetricFusion, ChannelExchanging
from keras_asym.models import Segmenter, Translator
from keras_asym.networks import AdapNetPP
from tests.helpers import images, randomize
from tests.models.tiny import tiny_segmenter
from tests.models.tiny_translator import tiny_translator


def adapnet():
    """With dilations, transposed convolutions, features that are cropped, auxiliary outputs."""
    network = AdapNetPP(5, True, "ssma", width=4, decoder_width=8, skip_width=8)
    fusion = ChannelExchanging(sites="(easpp|skip4|skip8)_bn$")
    weights = (0.6, 0.5)
    return randomize(Segmenter(network, {"rgb": 3, "depth": 1}, fusion, auxiliary_weights=weights))


SHUFFLE = AsymmetricFusion(r"down2_conv$", shift_source="output")
MODELS = {
    "segmenter-cen-2": lambda: tiny_segmenter(2, ChannelExchanging(), ensemble="class"),
    "segmenter-asym-3": lambda: tiny_segmenter(3, AsymmetricFusion(), ensemble="pixel"),
    "segmenter-adapnet-2": adapnet,
    "translator-cen-3": lambda: tiny_translator(3, ChannelExchanging(sites=r"down\d_norm$")),
    "translator-asym-2": lambda: tiny_translator(2, SHUFFLE),
}


def raw_images(model, batch=1, height=16, width=24):
    """What sensors give: uint8 of three channels, uint16 of any other number."""
    found = {}
    for name in model.modality_names:
        channels = model.network.input[name].shape[-1]
        dtype, unit = ("uint8", 40) if channels == 3 else ("uint16", 900)
        values = abs(images(batch, height, width, channels, seed=len(found)))
        found[name] = (unit * values).astype(dtype)
    return found


def preprocess(image):
    return tf.cast(image, "float32") / (50 if image.dtype == tf.uint8 else 1000)


def save(model, path):
    """Writes the inference form, every output in floats: uint8 values hide what differs."""
    form = InferenceForm(model)
    function = tf.function(lambda **raw: answer(form, raw), autograph=False)
    specs = {
        name: tf.TensorSpec((None, None, None, image.shape[-1]), image.dtype, name)
        for name, image in raw_images(model).items()
    }
    signature = function.get_concrete_function(**specs)
    module = tf.Module()
    module.weights = signature.graph.variables
    tf.saved_model.save(module, str(path), signatures={"serving_default": signature})


def answer(model, raw):
    """Probabilities of a Segmenter, images of a Translator, of every branch."""
    outputs = model({name: preprocess(image) for name, image in raw.items()})
    kind = "image" if isinstance(getattr(model, "model", model), Translator) else "probabilities"
    read = tf.identity if kind == "image" else tf.nn.softmax
    return {f"{kind}_{name}": read(output) for name, output in outputs.items()}
