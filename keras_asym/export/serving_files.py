"""The files around a served model: warmup requests, its contract, and a server's settings."""

import json

import numpy as np
import tensorflow as tf

from keras_asym.files import write_atomically
from keras_asym.optional import import_optional

_MODELS = """\
# tensorflow_model_server --model_config_file=/models/{name}/models.config
model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
  }}
}}
"""
_BATCHING = """\
# tensorflow_model_server --enable_batching \\
#     --batching_parameters_file=/models/{name}/batching.config
#
# For clients that all send images of one size: requests that wait together must have equal sizes,
# and what is wrong with one of them is answered to all.
# Those run together that wait for a free thread; on a GPU it may pay to wait for more, 2000 say.
max_batch_size {{ value: 8 }}
batch_timeout_micros {{ value: 0 }}
max_enqueued_batches {{ value: 64 }}
num_batch_threads {{ value: 2 }}
"""


def write_server_settings(base_path):
    """Writes `models.config` and `batching.config` unless they are there: they may be edited."""
    for file, text in (("models.config", _MODELS), ("batching.config", _BATCHING)):
        path = base_path / file
        if not path.exists():
            write_atomically(path, text.format(name=base_path.name))


def write_assets(folder, signatures, contract, description, class_names):
    """Writes `preprocessing.json` and `class_names.txt` into a folder; returns their paths.

    Args:
        folder: Existing folder.
        signatures: Concrete functions by name.
        contract: `Contract`.
        description: Modality name -> what its raw values mean, as JSON can hold it.
        class_names: List of names, or `None`.
    """
    inputs = {
        name: {"dtype": dtype, "channels": contract.channels[name], **description.get(name, {})}
        for name, dtype in contract.dtypes.items()
    }
    text = json.dumps(
        {
            "inputs": inputs,
            "layout": "batch, height, width, channels",
            "modalities": list(contract.dtypes),
            "max_pixels": contract.max_pixels,
            "max_request_pixels": contract.max_request_pixels,
            "height_and_width_are_multiples_of": contract.stride,
            "signatures": {
                name: {
                    "inputs": _described(function.structured_input_signature[1]),
                    "outputs": _described(function.structured_outputs),
                }
                for name, function in signatures.items()
            },
        },
        indent=2,
    )
    paths = [folder / "preprocessing.json"]
    paths[0].write_text(text + "\n")
    if class_names is not None:
        paths.append(folder / "class_names.txt")
        paths[1].write_text("".join(f"{name}\n" for name in class_names))
    return paths


def write_warmup(version, model_name, signatures, contract, size):
    """Writes a request of each signature into `assets.extra/tf_serving_warmup_requests`.

    Args:
        version: Folder of the SavedModel.
        model_name: Name under which it is served.
        signatures: Concrete functions by name.
        contract: `Contract`.
        size: `(height, width)` of the images, which are black.

    Raises:
        ImportError: If tensorflow-serving-api is not installed.
    """
    predict_pb2, prediction_log_pb2 = (
        import_optional(
            f"tensorflow_serving.apis.{name}",
            "serving",
            "Warmup requests need tensorflow-serving-api",
            ", or export with `warmup_size=None`",
        )
        for name in ("predict_pb2", "prediction_log_pb2")
    )
    folder = version / "assets.extra"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        for signature, function in signatures.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name = model_name
            request.model_spec.signature_name = signature
            for name, spec in function.structured_input_signature[1].items():
                if spec.dtype == tf.bool:  # which sensors are there
                    value = tf.make_tensor_proto(np.ones((1, spec.shape[1]), "bool"))
                    request.inputs[name].CopyFrom(value)
                    continue
                value = np.zeros((1, *size, contract.channels[name]), contract.dtypes[name])
                if "any" in signature.split("_")[1:2]:  # where one grey could count as absent
                    value[:, :, ::2] = 1
                if spec.dtype == tf.string:
                    value = [tf.io.encode_png(value[0]).numpy()]
                request.inputs[name].CopyFrom(tf.make_tensor_proto(value, dtype=spec.dtype))
            log = prediction_log_pb2.PredictionLog()
            log.predict_log.request.CopyFrom(request)
            writer.write(log.SerializeToString())


def _described(specs):
    return {
        name: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}
        for name, spec in specs.items()
    }
