"""Asks a served model, over gRPC or REST.

    python examples/serving/client.py --model=rooms rgb=view.png depth=view_depth.png
    python examples/serving/client.py --model=rooms --signature=serving_rgb --raw rgb=view.png
    python examples/serving/client.py --model=rooms --rest --address=localhost:8501 \
        rgb=view.png depth=view_depth.png

Files are sent as they are to `serving_encoded`, or with `--raw` decoded here. Each output is
written as `<output>/<name>.npy`, images (uint8) also as PNG.
"""

import argparse
import base64
import json
import pathlib
import sys
import urllib.error
import urllib.request

import grpc
import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

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
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = model
    request.metadata_field.append("signature_def")
    with grpc.insecure_channel(address) as channel:
        service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        response = service.GetModelMetadata(request, timeout)
    known = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(known)
    for name, declared in known.signature_def[signature].inputs.items():
        dtype = tf.as_dtype(declared.dtype)
        if name in inputs and tf.make_tensor_proto(inputs[name]).dtype != dtype.as_datatype_enum:
            received = np.asarray(inputs[name]).dtype
            raise ValueError(f"`{name}` must be {dtype.name}. Received: {received}")


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
    inputs = {}
    for pair in options.images:
        name, separator, file = pair.partition("=")
        if not separator:
            sys.exit(f"error: images must be given as NAME=FILE. Received: {pair}")
        inputs[name] = _read(file) if options.raw else [pathlib.Path(file).read_bytes()]
    signature = options.signature or ("serving_default" if options.raw else "serving_encoded")
    predict = predict_rest if options.rest else predict_grpc
    try:
        if not options.rest:
            check_dtypes(options.address, options.model, signature, inputs)
        outputs = predict(options.address, options.model, signature, inputs)
    except grpc.RpcError as error:
        sys.exit(f"error: {error.code().name}: {error.details()}")
    except (ValueError, RuntimeError, OSError) as error:
        sys.exit(f"error: {error}")
    options.output.mkdir(parents=True, exist_ok=True)
    for name, value in outputs.items():
        np.save(options.output / f"{name}.npy", value)
        if value.dtype == np.uint8:
            Image.fromarray(value[0]).save(options.output / f"{name}.png")
        print(f"{name}: {value.dtype} {value.shape}")


def _read(file):
    image = np.asarray(Image.open(file))
    if image.dtype != np.uint8:
        image = image.astype("uint16")  # what 16-bit files hold; Pillow may give 32 bits
    return image.reshape((1, *image.shape[:2], -1))


if __name__ == "__main__":
    main()
