"""Good and bad requests, through TF Serving's protocol and loader."""

import importlib.util
import pathlib
import struct
import subprocess
import sys
import zlib

import grpc
import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("tensorflow_serving", reason="pip install 'keras_asym[serving]'")

from keras_asym.fusion import AsymmetricFusion, ChannelExchanging
from tests.export.prediction_service import Session, serve
from tests.export.served import export, preprocess, raw
from tests.helpers import distance
from tests.models.tiny import tiny_segmenter
from tests.models.tiny_translator import tiny_translator

specification = importlib.util.spec_from_file_location("client", "examples/serving/client.py")
client = importlib.util.module_from_spec(specification)
specification.loader.exec_module(client)

MAX_PIXELS = 10_000


@pytest.fixture(scope="module")
def model():
    return tiny_segmenter(2, ChannelExchanging())


@pytest.fixture(scope="module")
def base_path(model, tmp_path_factory):
    base_path = tmp_path_factory.mktemp("base") / "rooms"
    export(
        model,
        base_path,
        subsets=[["rgb"], ["depth"]],
        outputs=("classes", "confidence", "probabilities"),
        max_pixels=MAX_PIXELS,
        max_request_pixels=2 * MAX_PIXELS,
        warmup_size=(16, 24),
    )
    return base_path


@pytest.fixture(scope="module")
def address(base_path):
    with serve(base_path) as addresses:
        yield addresses


def png(image):
    return tf.io.encode_png(image).numpy()


def encoded(images):
    return {name: [png(image) for image in value] for name, value in images.items()}


def expected(model, images):
    logits = model({name: preprocess(name, image) for name, image in images.items()})["ensemble"]
    return tf.nn.softmax(logits).numpy()


def ask(address, inputs, signature="serving_default", model="rooms"):
    return client.predict_grpc(address[0], model, signature, inputs)


def test_raw_and_encoded_images_and_subsets(model, address):
    images = raw(model, 2, 12, 20)
    answers = {
        "serving_default": ask(address, images),
        "serving_encoded": ask(address, encoded(images), "serving_encoded"),
    }
    for answer in answers.values():
        assert answer["classes"].dtype == "uint8" and answer["classes"].shape == (2, 12, 20)
        assert distance(answer["probabilities"], expected(model, images)) < 1e-5
    for name in ("rgb", "depth"):
        alone = {name: images[name]}
        answer = ask(address, alone, f"serving_{name}")
        assert distance(answer["probabilities"], expected(model.select([name]), alone)) < 1e-5


def test_rest(model, address):
    images = raw(model, 1, 6, 8)
    for inputs, signature in ((images, "serving_default"), (encoded(images), "serving_encoded")):
        answer = client.predict_rest(address[1], "rooms", signature, inputs)
        assert distance(answer["probabilities"], expected(model, images)) < 1e-5
    images["depth"] = images["depth"][:, :5]
    with pytest.raises(RuntimeError, match=r"HTTP 400: .*`depth` must have the number, height"):
        client.predict_rest(address[1], "rooms", "serving_default", images)


def png_header(width, height, bits=8, kind=2):
    """A PNG that says what it holds and does not hold it."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )


def change(**changes):
    """A request with other images; `None` takes one away."""

    def changed(images):
        images = {**images, **{name: f(images) for name, f in changes.items()}}
        return {name: value for name, value in images.items() if value is not None}

    return changed


RAW = {
    # TF Serving gives the place among the sorted names; the client's `check_dtypes` the name.
    "dtype": (
        change(rgb=lambda x: x["rgb"].astype("float32")),
        r"arg\[1\] to be uint8 but float is provided",
    ),
    "missing": (change(depth=lambda x: None), r"Missing but required: \{depth\}"),
    "unknown": (change(thermal=lambda x: x["depth"]), r"Sent extra: \{thermal\}"),
    "height": (change(depth=lambda x: x["depth"][:, :-1]), "`depth` must have the number, height"),
    "width": (change(rgb=lambda x: x["rgb"][:, :, 1:]), "number, height and width of `rgb`"),
    "number": (change(depth=lambda x: x["depth"][:1]), "`depth` must have the number"),
    "no pixel": (change(rgb=lambda x: x["rgb"][:, :0]), "`rgb` must have images of at least one"),
    "no image": (change(rgb=lambda x: x["rgb"][:0]), "`rgb` must hold at least one image"),
    "large": (
        change(rgb=lambda x: np.zeros((1, 101, 100, 3), "uint8")),
        "`rgb` must have images of at most 10000 pixels",
    ),
    "many": (
        change(rgb=lambda x: np.zeros((3, 100, 100, 3), "uint8")),
        "`rgb` must have at most 20000 pixels in all images of a request",
    ),
    "channels": (change(rgb=lambda x: x["rgb"][..., :1]), r"`rgb` must have the shape .*width, 3"),
    "rank": (change(depth=lambda x: x["depth"][0]), r"`depth` must have the shape .*width, 1"),
    "scalar": (change(depth=lambda x: np.uint16(3)), r"`depth` must have the shape"),
}
ENCODED = {
    "garbage": (change(rgb=lambda x: [b"garbage"] * 2), "`rgb` must hold PNG or JPEG files"),
    "one of two": (change(depth=lambda x: [x["depth"][0], b""]), "`depth` must hold PNG files"),
    "cut PNG": (change(rgb=lambda x: [f[:60] for f in x["rgb"]]), "decode_rgb"),
    "cut JPEG": (change(rgb=lambda x: [jpeg()[:40]] * 2), "decode_rgb"),
    "end of a JPEG": (change(rgb=lambda x: [jpeg()[:-100]] * 2), "decode_rgb"),
    "JPEG depth": (change(depth=lambda x: [jpeg()] * 2), "`depth` must hold PNG files"),
    "8-bit depth": (
        change(depth=lambda x: [png(np.zeros((12, 20, 1), "uint8"))] * 2),
        "`depth` must hold images of 1 channels of 16 bits",
    ),
    "grey": (
        change(rgb=lambda x: [png(np.zeros((12, 20, 1), "uint8"))] * 2),
        "`rgb` must hold images of 3 channels of 8 bits",
    ),
    "grey JPEG": (
        change(rgb=lambda x: [jpeg(1)] * 2),
        "`rgb` must hold images of 3 channels of 8 bits",
    ),
    "100 megapixels": (
        change(rgb=lambda x: [png_header(10_000, 10_000)] * 2),
        "`rgb` must have images of at most 10000 pixels",
    ),
    # Heights and widths whose products have a sum that an integer of 64 bits does not hold are
    # each too large.
    "four times more than an integer": (
        change(rgb=lambda x: [png_header(2**31 - 1, 2**31 - 1)] * 4),
        "`rgb` must have images of at most 10000 pixels",
    ),
    "many": (
        change(rgb=lambda x: [png_header(100, 100)] * 3),
        "`rgb` must have at most 20000 pixels in all images of a request",
    ),
    "many of one modality": (
        change(depth=lambda x: [png_header(100, 100, 16, 0)] * 3),
        "`depth` must have at most 20000 pixels in all images of a request",
    ),
    "more than an integer": (
        change(rgb=lambda x: [png_header(2**31, 2**31)] * 2),
        "`rgb` must have images of at least one pixel",
    ),
    "no pixel": (
        change(depth=lambda x: [png_header(0, 12, 16, 0)] * 2),
        "`depth` must have images of at least one pixel",
    ),
    "two sizes": (
        change(rgb=lambda x: [x["rgb"][0], png(np.zeros((12, 21, 3), "uint8"))]),
        "`rgb` must hold images of one size",
    ),
    "sizes": (
        change(depth=lambda x: [png(np.zeros((12, 21, 1), "uint16"))] * 2),
        "`depth` must have the number, height and width of `rgb`",
    ),
    "no file": (change(rgb=lambda x: np.zeros((0,), "S1")), "`rgb` must be a list"),
    "numbers": (
        change(rgb=lambda x: np.zeros((2,), "float32")),
        r"arg\[1\] to be string but float is provided",
    ),
}


def jpeg(channels=3):
    return tf.io.encode_jpeg(np.zeros((12, 20, channels), "uint8")).numpy()


def assert_refused(model, address, signature, inputs, message):
    with pytest.raises(grpc.RpcError, match=message) as error:
        ask(address, inputs, signature)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    images = raw(model, 1, 8, 8, seed=1)  # and the next one is answered
    answer = ask(address, images)
    assert distance(answer["probabilities"], expected(model, images)) < 1e-5


@pytest.mark.parametrize("case", RAW)
def test_bad_images(model, address, case):
    changed, message = RAW[case]
    assert_refused(model, address, "serving_default", changed(raw(model, 2, 12, 20)), message)


@pytest.mark.parametrize("case", ENCODED)
def test_bad_files(model, address, case):
    changed, message = ENCODED[case]
    files = changed(encoded(raw(model, 2, 12, 20)))
    assert_refused(model, address, "serving_encoded", files, message)


def test_client_names_the_input_of_another_dtype(model, address):
    images = raw(model, 1, 8, 8)
    client.check_dtypes(address[0], "rooms", "serving_default", images)
    client.check_dtypes(address[0], "rooms", "serving_encoded", encoded(images))
    images["depth"] = images["depth"].astype("float32")
    with pytest.raises(ValueError, match=r"`depth` must be uint16\. Received: float32"):
        client.check_dtypes(address[0], "rooms", "serving_default", images)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [({"model": "houses"}, "NOT_FOUND"), ({"signature": "serving_thermal"}, "FAILED_PRECONDITION")],
)
def test_unknown_model_and_signature(model, address, arguments, code):
    with pytest.raises(grpc.RpcError) as error:
        ask(address, raw(model, 1, 8, 8), **arguments)
    assert error.value.code().name == code


@pytest.mark.parametrize(
    "options", [[], ["--raw"], ["--rest"], ["--signature=serving_rgb", "--raw"]]
)
def test_client_as_a_command(model, address, options, tmp_path, monkeypatch, capsys):
    images = raw(model, 1, 12, 20)
    pairs = []
    for name, image in images.items():
        (tmp_path / f"{name}.png").write_bytes(png(image[0]))
        pairs.append(f"{name}={tmp_path / name}.png")
    pairs = pairs[:1] if "--signature=serving_rgb" in options else pairs
    where = f"--address={address['--rest' in options]}"
    command = ["client.py", "--model=rooms", where, f"--output={tmp_path}", *options, *pairs]
    monkeypatch.setattr("sys.argv", command)
    client.main()
    assert "classes: " in capsys.readouterr().out
    used = model.select(["rgb"]) if len(pairs) == 1 else model
    value = expected(used, {name: images[name] for name in used.modality_names})
    np.testing.assert_allclose(np.load(tmp_path / "probabilities.npy"), value, atol=1e-5)
    monkeypatch.setattr("sys.argv", [x.replace("rooms", "houses") for x in command])
    with pytest.raises(SystemExit, match=r"error: .*(NOT_FOUND|houses)"):
        client.main()


def test_warmup_requests_are_answered(base_path, address):
    from tensorflow_serving.apis import prediction_log_pb2, prediction_service_pb2_grpc

    path = base_path / "1" / "assets.extra" / "tf_serving_warmup_requests"
    answered = {}
    with grpc.insecure_channel(address[0]) as channel:
        service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
            answer = service.Predict(request)
            classes = tf.make_ndarray(answer.outputs["classes"])
            answered[request.model_spec.signature_name] = classes.shape
    names = ("serving_default", "serving_encoded", "serving_rgb", "serving_depth")
    assert answered == dict.fromkeys(names, (1, 16, 24))


COUNTS = pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.slow), 3])


@COUNTS
@pytest.mark.parametrize("system", ["exchange", "asymmetric"])
def test_both_loaders_give_the_numbers_of_keras(system, count, tmp_path):
    fusion = ChannelExchanging() if system == "exchange" else AsymmetricFusion("block0_2_conv")
    model = tiny_segmenter(count, fusion)
    path = export(model, tmp_path, files=False, outputs=["probabilities"])
    images = raw(model, 2, 9, 14, files=False)
    loaded = tf.saved_model.load(path).signatures["serving_default"]
    second = loaded(**{name: tf.constant(image) for name, image in images.items()})
    for answer in (Session(path).run("serving_default", images), second):
        assert distance(answer["probabilities"], expected(model, images)) < 1e-5


@COUNTS
@pytest.mark.parametrize("system", ["exchange", "asymmetric"])
def test_translator_through_the_session(system, count, tmp_path):
    fusion = ChannelExchanging(sites="norm$")
    if system == "asymmetric":
        fusion = AsymmetricFusion("down2_conv", "output")
    model = tiny_translator(count, fusion)
    session = Session(export(model, tmp_path, files=False))
    images = raw(model, 2, 16, 24, files=False)
    value = model({name: preprocess(name, image) for name, image in images.items()})["ensemble"]
    image = session.run("serving_default", images)["image"]
    assert image.dtype == "uint8"
    np.testing.assert_allclose(image, 127.5 * (value.numpy() + 1), atol=0.501)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"`depth` must .* multiples of 8"):
        session.run("serving_default", raw(model, 1, 16, 20, files=False))


def test_saved_model_cli(model, base_path, tmp_path):
    images = raw(model, 1, 8, 8)
    inputs = []
    for name, image in images.items():
        np.save(tmp_path / f"{name}.npy", image)
        inputs.append(f"{name}={tmp_path / name}.npy")
    where = ["--dir", str(base_path / "1"), "--tag_set", "serve"]
    which = ["--signature_def", "serving_default", "--inputs", ";".join(inputs)]
    command = pathlib.Path(sys.executable).with_name("saved_model_cli")
    outdir = ["--outdir", str(tmp_path)]
    subprocess.run([command, "run", *where, *which, *outdir], check=True, capture_output=True)
    value = np.load(tmp_path / "probabilities.npy")
    assert distance(value, expected(model, images)) < 1e-5
