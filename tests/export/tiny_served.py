"""Tiny models as SavedModels that answer in floats, and what every runtime should answer."""

import keras
import tensorflow as tf

from keras_asym.fusion import AsymmetricFusion, ChannelExchanging
from keras_asym.models import Translator
from tests.helpers import images
from tests.models.tiny import tiny_segmenter
from tests.models.tiny_translator import tiny_translator

SHUFFLE = AsymmetricFusion(r"down2_conv$", shift_source="output")
MODELS = {
    "segmenter-cen-2": lambda: tiny_segmenter(2, ChannelExchanging()),
    "segmenter-asym-3": lambda: tiny_segmenter(3, AsymmetricFusion()),
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
    """Writes the SavedModel: every output in floats, for uint8 values hide what differs."""

    def answer(raw):
        outputs = model({name: preprocess(image) for name, image in raw.items()}, training=False)
        if isinstance(model, Translator):
            return {f"image_{name}": image for name, image in outputs.items()}
        return {f"probabilities_{name}": tf.nn.softmax(x) for name, x in outputs.items()}

    signature = {
        name: tf.TensorSpec((None, None, None, image.shape[-1]), image.dtype, name=name)
        for name, image in raw_images(model).items()
    }
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", answer, input_signature=[signature])
    archive.write_out(path, verbose=False)
    return answer
