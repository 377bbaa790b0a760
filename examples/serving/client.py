"""Asks a served model, over gRPC or REST.

    python examples/serving/client.py --model=rooms rgb=view.png depth=view_depth.png
    python examples/serving/client.py --model=rooms --signature=serving_rgb --raw rgb=view.png
    python examples/serving/client.py --model=rooms --signature=serving_any_encoded rgb=view.png
    python examples/serving/client.py --model=rooms --rest --address=localhost:8501 \
        rgb=view.png depth=view_depth.png

Files are sent as they are to `serving_encoded`, or with `--raw` decoded here, upright as EXIF says.
Each output is written as `<output>/<name>.npy`, images (uint8) also as PNG.
"""

import argparse
import base64
import json
import pathlib
import re
import sys
import urllib.error
import urllib.request

import grpc
import numpy as np
import PIL.Image
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tfds_builders.multimodal_folder.image_file import read_image_file
from tfds_builders.reading.orientation import encoded_orientation

# Names of outputs come from the server and become names of files.
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
# Probabilities of large images are larger than the 4 MB that gRPC takes unless told otherwise.
_LIMITS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def predict_grpc(address, model, signature, inputs, timeout=60.0):
    """Outputs by name as arrays.

    Args:
        address: `"host:port"`, TF Serving's 8500.
        model: Name of the model.
        signature: Name of the signature.
        inputs: Name -> array of images with a batch axis, or list of the bytes of image files.
        timeout: Seconds.

    Raises:
        grpc.RpcError: If the server refuses; `details()` says why.
    """
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    with grpc.insecure_channel(address, _LIMITS) as channel:
        service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        response = service.Predict(request, timeout)
    return {name: tf.make_ndarray(value) for name, value in response.outputs.items()}


def check_dtypes(address, model, signature, inputs, timeout=60.0):
    """Raises `ValueError` for an array whose dtype is not the one that the model declares.

    The server refuses it as well, but does not call the input by its name.
    """
    for name, declared in _declared_inputs(address, model, signature, timeout).items():
        dtype = tf.as_dtype(declared.dtype)
        if name in inputs and tf.make_tensor_proto(inputs[name]).dtype != dtype.as_datatype_enum:
            received = np.asarray(inputs[name]).dtype
            raise ValueError(f"`{name}` must be {dtype.name}. Received: {received}")


def fill_absent(address, model, signature, inputs, timeout=60.0):
    """The inputs, and what says "absent" of the others: for a server that knows no defaults.

    It holds no value, in the dtype that the model declares: an image of shape `(0, 0, 0,
    channels)`, no file.
    """
    declared = _declared_inputs(address, model, signature, timeout)
    absent = {
        name: np.zeros([max(0, axis.size) for axis in info.tensor_shape.dim], _numpy_dtype(info))
        for name, info in declared.items()
    }
    return {**absent, **inputs}


def _numpy_dtype(info):
    dtype = tf.as_dtype(info.dtype)
    return np.bytes_ if dtype == tf.string else dtype.as_numpy_dtype


def _declared_inputs(address, model, signature, timeout):
    """What a signature takes: `TensorInfo` by name."""
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = model
    request.metadata_field.append("signature_def")
    with grpc.insecure_channel(address) as channel:
        service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        response = service.GetModelMetadata(request, timeout)
    known = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(known)
    return dict(known.signature_def[signature].inputs)


def predict_rest(address, model, signature, inputs, timeout=60.0):
    """The same over HTTP and JSON, where numbers have lost their dtype; TF Serving's port is 8501.

    Raises:
        RuntimeError: If the server refuses; says why.
    """
    body = {"signature_name": signature, "inputs": {k: _to_json(v) for k, v in inputs.items()}}
    request = urllib.request.Request(
        f"http://{address}/v1/models/{model}:predict",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            outputs = json.load(response)["outputs"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"HTTP {error.code}: {error.read().decode()}") from error
    if not isinstance(outputs, dict):  # TF Serving gives a single output without its name
        outputs = {"output": outputs}
    return {name: np.array(value) for name, value in outputs.items()}


def _to_json(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [{"b64": base64.b64encode(data).decode()} for data in value]


def read_encoded(path):
    """Bytes of an image file, as the server decodes it.

    Raises:
        ValueError: If EXIF says that it is to be turned, which the server does not do.
    """
    data = pathlib.Path(path).read_bytes()
    orientation = encoded_orientation(data)
    if orientation != 1:
        raise ValueError(
            f"{path} must be upright as stored. Received: EXIF orientation {orientation}. Pass "
            "--raw, which turns it here, or save it upright"
        )
    return data


def write_outputs(outputs, folder):
    """Writes each output as `<name>.npy`, images (uint8) also as PNG.

    Args:
        outputs: Name -> array with a batch axis, as the server sent them.
        folder: Folder to write to; it is created.

    Raises:
        ValueError: If a name is no plain file name. Nothing is written then.
    """
    for name in outputs:
        if not _FILE_NAME.fullmatch(name):
            raise ValueError(
                "names of outputs must be letters, digits, '_', '-' and '.', as they become names "
                f"of files. Received from the server: {name!r}"
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in outputs.items():
        np.save(folder / f"{name}.npy", value, allow_pickle=False)
        if value.dtype == np.uint8 and value.ndim in (3, 4):
            image = value[0, ..., 0] if value.shape[-1] == 1 and value.ndim == 4 else value[0]
            PIL.Image.fromarray(image).save(folder / f"{name}.png")
        print(f"{name}: {value.dtype} {value.shape}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+", metavar="NAME=FILE", help="such as rgb=view.png")
    parser.add_argument("--address", default="localhost:8500")
    parser.add_argument("--model", required=True)
    parser.add_argument("--signature", help="serving_encoded, with --raw serving_default")
    parser.add_argument("--raw", action="store_true", help="decode here and send arrays")
    parser.add_argument("--rest", action="store_true", help="REST instead of gRPC")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("answer"))
    options = parser.parse_args()
    signature = options.signature or ("serving_default" if options.raw else "serving_encoded")
    predict = predict_rest if options.rest else predict_grpc
    try:
        inputs = dict(_input(pair, options.raw) for pair in options.images)
        if not options.rest:
            check_dtypes(options.address, options.model, signature, inputs)
            if signature.startswith("serving_any"):
                inputs = fill_absent(options.address, options.model, signature, inputs)
        write_outputs(predict(options.address, options.model, signature, inputs), options.output)
    except grpc.RpcError as error:
        sys.exit(f"error: {error.code().name}: {error.details()}")
    except (ValueError, RuntimeError, OSError) as error:
        sys.exit(f"error: {error}")


def _input(pair, raw):
    name, separator, file = pair.partition("=")
    if not separator:
        raise ValueError(f"images must be given as NAME=FILE. Received: {pair}")
    return name, read_image_file(file)[None] if raw else [read_encoded(file)]


if __name__ == "__main__":
    main()
