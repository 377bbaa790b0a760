import os
import pathlib
import shutil

import keras
import tensorflow as tf

from keras_asym.models import Translator


def export_saved_model(model, base_path, dtypes, preprocess=None, channels=None):
    """Exports a Segmenter or a Translator as `<base_path>/<version>/`, ready for TF Serving.

    The version is the next free integer. The model is written aside and renamed, so that a
    serving process never sees half of it.

    Args:
        model: `Segmenter` or `Translator` on the TensorFlow backend.
        base_path: Folder of all versions of the model.
        dtypes: Dictionary of modality name -> dtype of the raw input, such as
            `{"rgb": "uint8", "depth": "uint16"}`.
        preprocess: Function of (modality name, raw tensor) that returns the network's float32
            input; built into the graph. By default a cast.
        channels: Dictionary of modality name -> channels of the raw input where `preprocess`
            changes their number; by default the network's.

    Returns:
        Path of the new version. Signature `serving_default`: an input `(batch, height, width,
        channels)` for each modality, all three sizes dynamic; outputs of the ensemble: of a
        Segmenter `classes` `(batch, height, width)` uint8 and `probabilities` `(batch, height,
        width, num_classes)`, of a Translator `image` `(batch, height, width, channels)` uint8.

    Raises:
        ValueError: If `dtypes` does not name the model's modalities.
    """
    names = list(model.modality_names)
    if sorted(dtypes) != sorted(names):
        raise ValueError(
            f"`dtypes` must name the modalities {names}. Received: dtypes={dict(dtypes)}"
        )
    preprocess = preprocess or (lambda name, image: tf.cast(image, "float32"))
    base_path = pathlib.Path(base_path)
    base_path.mkdir(parents=True, exist_ok=True)
    taken = [int(p.name) for p in base_path.iterdir() if p.name.isdigit()]
    target = base_path / str(max(taken, default=0) + 1)
    temporary = base_path / f".writing-{target.name}"
    shutil.rmtree(temporary, ignore_errors=True)

    def serve(images):
        inputs = {name: preprocess(name, images[name]) for name in names}
        outputs = model(inputs, training=False)["ensemble"]
        if isinstance(model, Translator):
            return {"image": tf.cast(tf.round(127.5 * (outputs + 1)), "uint8")}
        probabilities = tf.nn.softmax(outputs)
        return {
            "classes": tf.cast(tf.argmax(probabilities, axis=-1), "uint8"),
            "probabilities": probabilities,
        }

    channels = channels or {name: model.network.input[name].shape[-1] for name in names}
    signature = {
        name: tf.TensorSpec((None, None, None, channels[name]), dtypes[name], name=name)
        for name in names
    }
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", serve, input_signature=[signature])
    try:
        archive.write_out(temporary, verbose=False)
        os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target
