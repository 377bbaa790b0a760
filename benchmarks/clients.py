"""Many clients at once: is any answer lost or wrong?

    python -m benchmarks.clients --requests=1000 --clients=8

A Segmenter of the demo's size is served on loopback by a `tensorflow_model_server` where one is on
the PATH, else by the tests' double of it (its protocol and its loader). Each client has a
connection of its own and sends one rendered room after the other, of two sizes, raw or as PNG
files. An answer is wrong if its confidence is not Keras' for that very room within a relative L2
distance of 1e-5, or one class in a thousand differs. Needs the extras `test` and `serving`.
"""

import argparse
import concurrent.futures
import os
import pathlib
import tempfile
import threading
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.parity import distance, preprocess, raw_images, segmenter
from keras_asym.export import export_saved_model
from tests.export.prediction_service import serve
from tfds_builders.rendered_rooms.render import render

NAMES = ("rgb", "depth")
SIZES = ((64, 80), (48, 96))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rooms", type=int, default=16, help="different images")
    options = parser.parse_args()
    model = segmenter(NAMES, "ChannelExchanging")
    rooms = [
        raw_images(render(seed, SIZES[seed % 2][1], SIZES[seed % 2][0]), NAMES)
        for seed in range(options.rooms)
    ]
    expected = [_answer(model, images) for images in rooms]
    with tempfile.TemporaryDirectory() as folder:
        base_path = pathlib.Path(folder) / "rooms"
        dtypes = {name: image.dtype.name for name, image in rooms[0].items()}
        export_saved_model(model, base_path, dtypes, preprocess)
        with serve(base_path) as addresses:
            local = threading.local()
            before = os.getloadavg()[0]
            start = time.perf_counter()
            with concurrent.futures.ThreadPoolExecutor(options.clients) as pool:
                results = list(
                    pool.map(
                        lambda index: _ask(local, addresses[0], index, rooms, expected),
                        range(options.requests),
                    )
                )
            passed = time.perf_counter() - start
    seconds = np.array([result[1] for result in results])
    outcomes = [result[0] for result in results]
    low, middle, high = 1e3 * np.percentile(seconds, (25, 50, 75))
    print(
        f"{options.requests} requests of {options.clients} clients: {outcomes.count('right')} "
        f"right, {outcomes.count('wrong')} wrong, {outcomes.count('lost')} lost; "
        f"{options.requests / passed:.0f} requests/s, {middle:.0f} ms ({low:.0f}-{high:.0f}); load "
        f"{before:.1f}-{os.getloadavg()[0]:.1f}"
    )
    raise SystemExit(outcomes.count("right") != options.requests)


def _answer(model, images):
    inputs = {name: preprocess(name, image) for name, image in images.items()}
    probabilities = tf.nn.softmax(model(inputs, training=False)["ensemble"]).numpy()
    return probabilities.argmax(-1), probabilities.max(-1)


def _ask(local, address, index, rooms, expected):
    """`"right"`, `"wrong"` or `"lost"`, and the seconds that it took."""
    if not hasattr(local, "stub"):  # the first request of this client
        local.channel = grpc.insecure_channel(address)
        local.stub = prediction_service_pb2_grpc.PredictionServiceStub(local.channel)
    images, (classes, confidence) = rooms[index % len(rooms)], expected[index % len(rooms)]
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "rooms"
    encoded = index % 3 == 0
    request.model_spec.signature_name = "serving_encoded" if encoded else "serving_default"
    for name, image in images.items():
        value = [tf.io.encode_png(image[0]).numpy()] if encoded else image
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    start = time.perf_counter()
    try:
        response = local.stub.Predict(request, timeout=60)
    except grpc.RpcError as error:
        print(f"request {index}: {error.code()} {error.details()}", flush=True)
        return "lost", time.perf_counter() - start
    passed = time.perf_counter() - start
    answer = {name: tf.make_ndarray(value) for name, value in response.outputs.items()}
    fits = (
        answer["classes"].shape == classes.shape
        and np.mean(answer["classes"] != classes) <= 1e-3
        and distance(answer["confidence"], confidence) < 1e-5
    )
    return "right" if fits else "wrong", passed


if __name__ == "__main__":
    main()
