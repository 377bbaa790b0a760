"""The signatures that take any subset of the sensors."""

import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from examples.serving import client
from keras_asym.export import export_litert, export_onnx
from keras_asym.fusion import Averaging, ChannelExchanging
from keras_asym.models import Calibration
from tests.export.prediction_service import PredictionService, Refusal, serve
from tests.export.served import export, preprocess, raw
from tests.models.tiny import tiny_segmenter
from tests.models.tiny_translator import tiny_translator

NAMES = ("rgb", "depth", "normal")
TEMPERATURES = {
    NAMES: {"ensemble": 2.0, "rgb": 1.5, "depth": 0.5, "normal": 3.0},
    ("rgb", "depth"): {"ensemble": 4.0, "rgb": 2.5, "depth": 1.25},
    ("rgb",): {"ensemble": 8.0, "rgb": 8.0},
    ("depth",): {"ensemble": 0.25, "depth": 0.25},
}
OUTPUTS = ("classes", "confidence", "uncertainty", "probabilities")
PRESENT = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 1, 0]], bool)


def is_absent(name, image):
    image = tf.cast(image, "float32")  # ONNX compares no uint16
    return tf.reduce_min(image, (1, 2, 3)) == tf.reduce_max(image, (1, 2, 3))


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return tiny_segmenter(3, ChannelExchanging())


@pytest.fixture(scope="module")
def base(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("base") / "rooms"
    export(
        model,
        path,
        outputs=OUTPUTS,
        branches=True,
        any_subset=True,
        calibration=Calibration(NAMES, TEMPERATURES),
        is_absent=is_absent,
        warmup_size=(16, 24),
    )
    return path


@pytest.fixture(scope="module")
def service(base):
    return PredictionService(base)


def ask(service, signature, **inputs):
    return service.answer("rooms", signature, inputs)


def expected(model, images, names):
    """What the model of these sensors alone says of one example, calibrated."""
    part = model.select(list(names)) if names != NAMES else model
    inputs = {n: preprocess(n, images[n]) for n in names}
    logits = part(inputs)
    calibration = Calibration(NAMES, TEMPERATURES)
    found = {"uncertainty": calibration.uncertainty(part, logits)}
    for key, value in logits.items():
        prefix = "" if key == "ensemble" else f"{key}_"
        found[f"{prefix}confidence"] = calibration.confidence(key, value, names)
        temperature = calibration.temperature(key, names)
        found[f"{prefix}probabilities"] = tf.nn.softmax(value / temperature)
        found[f"{prefix}classes"] = tf.argmax(value, -1)
    return {name: np.asarray(value) for name, value in found.items()}


def assert_row(outputs, row, wanted):
    for name, value in wanted.items():
        if "classes" in name:
            assert (outputs[name][row] == value[0]).mean() > 0.99
        else:
            np.testing.assert_allclose(outputs[name][row], value[0], atol=2e-5, err_msg=name)


def subset_of(row):
    return tuple(name for name, has in zip(NAMES, row, strict=True) if has)


def test_each_example_has_the_sensors_that_it_says(model, service):
    """What `select` gives for each, with the temperature of its own subset."""
    images = raw(model, 4, 9, 14)
    outputs = ask(service, "serving_any", **images, present=PRESENT)
    np.testing.assert_array_equal(outputs["sensors_used"], PRESENT)
    for row, present in enumerate(PRESENT):
        one = {name: image[row : row + 1] for name, image in images.items()}
        assert_row(outputs, row, expected(model, one, subset_of(present)))
    assert not outputs["normal_confidence"][1].any()  # of what is absent nothing is sure
    assert outputs["uncertainty"][0].max() > 1e-3 and outputs["uncertainty"][2:].max() < 1e-6


def test_all_sensors_are_what_the_other_signatures_say(model, service):
    images = raw(model, 2, 9, 14)
    whole = ask(service, "serving_default", **images)
    masked = ask(service, "serving_any", **images, present=np.zeros((0, 3), bool))
    assert masked.pop("sensors_used").all()
    assert set(whole) == set(masked)
    for name, value in whole.items():
        np.testing.assert_allclose(masked[name], value, atol=1e-5)
    one = {name: image[:1] for name, image in images.items()}
    assert_row(whole, 0, expected(model, one, NAMES))


def test_absent_sensors_are_left_out_of_the_request(model, service):
    """A server that fills in defaults; and images of no pixel for one that does not."""
    images = raw(model, 2, 9, 14)
    empty = np.zeros((0, 0, 0, 1), "uint16")
    wanted = expected(model, {"rgb": images["rgb"][:1]}, ("rgb",))
    for others in ({}, {"depth": empty}, {"present": np.array([[1, 0, 0]] * 2, bool)}):
        outputs = ask(service, "serving_any", rgb=images["rgb"], **others)
        np.testing.assert_array_equal(outputs["sensors_used"], [[True, False, False]] * 2)
        assert_row(outputs, 0, wanted)
    with pytest.raises(Refusal, match=r"Missing but required: \{depth,normal\}"):
        ask(service, "serving_default", rgb=images["rgb"])


def test_the_example_client_says_what_is_absent(model, base, monkeypatch):
    """Also to a server that does not fill in defaults."""
    monkeypatch.setattr("tests.export.prediction_service._defaults", lambda definition: {})
    images = raw(model, 1, 9, 14)
    wanted = expected(model, {"rgb": images["rgb"]}, ("rgb",))
    files = {"rgb": list(encoded({"rgb": images["rgb"]})["rgb"])}
    inputs = {"serving_any": {"rgb": images["rgb"]}, "serving_any_encoded": files}
    with serve(base) as (address, _):
        for signature, given in inputs.items():
            filled = client.fill_absent(address, "rooms", signature, given)
            outputs = client.predict_grpc(address, "rooms", signature, filled)
            np.testing.assert_array_equal(outputs["sensors_used"], [[True, False, False]])
            assert_row(outputs, 0, wanted)


def test_a_frame_that_shows_nothing_counts_as_absent(model, service):
    images = raw(model, 2, 9, 14)
    images["depth"][1], images["normal"][1] = 0, 7
    outputs = ask(service, "serving_any", **images, present=np.zeros((0, 3), bool))
    np.testing.assert_array_equal(outputs["sensors_used"], [[1, 1, 1], [1, 0, 0]])
    assert_row(outputs, 1, expected(model, {"rgb": images["rgb"][1:]}, ("rgb",)))
    images["rgb"][1] = 255
    with pytest.raises(Refusal, match=r"at least one sensor.*whose frame is not empty.*1"):
        ask(service, "serving_any", **images, present=np.zeros((0, 3), bool))


@pytest.fixture(scope="module")
def pair(model, tmp_path_factory):
    """A selection of two sensors, and what it is as a SavedModel that answers little."""
    part = model.select(["rgb", "depth"])
    path = tmp_path_factory.mktemp("pair") / "rooms"
    path = export(part, path, any_subset=True, outputs=["confidence"])
    return part, tf.saved_model.load(path).signatures


def test_without_the_option_any_frame_is_there(pair):
    _, served = pair
    assert set(served) == {
        "serving_default",
        "serving_encoded",
        "serving_any",
        "serving_any_encoded",
    }
    zeros = {"rgb": tf.zeros((1, 9, 14, 3), "uint8"), "depth": tf.zeros((1, 9, 14, 1), "uint16")}
    used = served["serving_any"](**zeros, present=tf.zeros((0, 2), "bool"))["sensors_used"]
    assert used.numpy().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"present": np.array([[1, 0, 0], [0, 0, 0]], bool)}, "at least one sensor"),
        ({"present": np.ones((3, 3), bool)}, "a row for each example.*3 2"),
        ({"present": np.ones((2, 2), bool)}, r"\(batch, 3\), a column for each"),
        ({"present": np.ones((2, 3), bool), "depth": None}, "false where there is no image"),
        ({"rgb": None, "depth": None, "normal": None}, "at least one of.*rgb"),
        ({"depth": np.zeros((2, 9, 13, 1), "uint16")}, "`depth` must have the number, height"),
        ({"depth": np.zeros((3, 9, 14, 1), "uint16")}, "`depth` must have the number, height"),
        ({"depth": np.zeros((2, 9, 14), "uint16")}, "`depth` must have the shape"),
        ({"depth": np.zeros((2, 9, 14, 2), "uint16")}, "`depth` must have the shape"),
    ],
)
def test_wrong_requests_are_answered_in_words(model, service, change, message):
    images = {**raw(model, 2, 9, 14), **change}
    images = {name: value for name, value in images.items() if value is not None}
    with pytest.raises(Refusal, match=message):
        ask(service, "serving_any", **images)


def encoded(images):
    return {
        n: np.array([tf.io.encode_png(x).numpy() for x in v], object) for n, v in images.items()
    }


def test_an_empty_string_is_an_absent_file(pair):
    """The same answers as raw images with a mask."""
    part, signatures = pair
    images = raw(part, 3, 9, 14)
    present = np.array([[1, 1], [1, 0], [0, 1]], bool)
    raw_answer = signatures["serving_any"](
        **{name: tf.constant(x) for name, x in images.items()}, present=tf.constant(present)
    )
    files = encoded(images)
    files["depth"][1] = files["rgb"][2] = b""
    served = signatures["serving_any_encoded"]
    outputs = served(**{name: tf.constant(list(x)) for name, x in files.items()})
    np.testing.assert_array_equal(outputs["sensors_used"], present)
    np.testing.assert_allclose(outputs["confidence"], raw_answer["confidence"], atol=1e-5)
    rgb = tf.constant(list(encoded(images)["rgb"]))
    for none in (tf.constant([""] * 3), tf.constant([], "string")):
        outputs = served(rgb=rgb, depth=none)
        np.testing.assert_array_equal(outputs["sensors_used"], [[True, False]] * 3)
        np.testing.assert_allclose(outputs["confidence"][1], raw_answer["confidence"][1], atol=1e-5)
    for rgb, depth, message in (
        ([""], [""], "at least one of"),
        ([""] * 2, list(files["depth"][[0, 1]]), "at least one sensor.*1"),
        (list(files["rgb"][:2]), list(files["depth"]), "must be of one length.*2 3"),
        (["no file"], [""], "`rgb` must hold PNG or JPEG"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            served(rgb=tf.constant(rgb), depth=tf.constant(depth))


def test_the_contract_names_what_there_is(base):
    contract = json.loads((base / "1" / "assets" / "preprocessing.json").read_text())
    assert contract["modalities"] == list(NAMES)
    signature = contract["signatures"]["serving_any"]
    assert signature["inputs"]["present"] == {"dtype": "bool", "shape": [None, 3]}
    assert signature["outputs"]["sensors_used"]["dtype"] == "bool"


def test_the_warmup_is_no_error(base, service):
    """Frames of one grey would be absent, and their requests stop the server."""
    from tensorflow_serving.apis import prediction_log_pb2

    path = base / "1" / "assets.extra" / "tf_serving_warmup_requests"
    seen = []
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        seen.append(request.model_spec.signature_name)
        ask(service, seen[-1], **inputs)
    assert "serving_any" in seen


@pytest.fixture(scope="module")
def onnx_file(base, tmp_path_factory):
    pytest.importorskip("tf2onnx")
    path = tmp_path_factory.mktemp("onnx") / "rooms.onnx"
    return export_onnx(base / "1", path, signature="serving_any")


def test_openvino_takes_the_mask_of_the_onnx_file(model, onnx_file):
    """Every subset, in one request, beside the model itself."""
    openvino = pytest.importorskip("openvino", reason="pip install 'keras_asym[openvino]'")
    present = np.array([s for s in itertools.product((True, False), repeat=3) if any(s)])
    images = raw(model, len(present), 16, 24)
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(str(onnx_file), "CPU", options)
    found = compiled({**images, "present": present})
    outputs = {port.get_any_name(): found[port] for port in compiled.outputs}
    np.testing.assert_array_equal(outputs["sensors_used"], present)
    inputs = {name: preprocess(name, image) for name, image in images.items()}
    logits = model({**inputs, "present": present})["ensemble"]
    calibration = Calibration(NAMES, TEMPERATURES)
    for row, here in enumerate(present):
        temperature = calibration.temperature("ensemble", subset_of(here))
        wanted = tf.nn.softmax(logits[row] / temperature)
        np.testing.assert_allclose(outputs["probabilities"][row], wanted, atol=1e-5)


def test_onnx_and_litert_take_the_mask(model, base, onnx_file, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    images = raw(model, 2, 16, 24)
    present = PRESENT[1:3]
    ends = [
        expected(model, {n: x[i : i + 1] for n, x in images.items()}, subset_of(present[i]))
        for i in range(2)
    ]
    version = base / "1"
    session = onnxruntime.InferenceSession(str(onnx_file))
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(None, {**images, "present": present}), strict=True))
    file = export_litert(version, tmp_path / "rooms.tflite", (2, 16, 24), signature="serving_any")
    runner = interpreter.Interpreter(str(file)).get_signature_runner()
    for outputs in (found, runner(**images, present=present)):
        np.testing.assert_array_equal(outputs["sensors_used"], present)
        for row, wanted in enumerate(ends):
            assert_row(outputs, row, wanted)


def test_a_translator_does_without_a_sensor_too(tmp_path):
    made = tiny_translator(2, ChannelExchanging(sites="norm$"))
    path = export(made, tmp_path / "rooms", files=False, any_subset=True)
    images = raw(made, 2, 16, 24, files=False)
    served = tf.saved_model.load(path).signatures["serving_any"]
    first = made.modality_names[0]
    present = tf.constant([[True, True], [True, False]])
    outputs = served(**{n: tf.constant(x) for n, x in images.items()}, present=present)
    alone = made.select([first])({first: preprocess(first, images[first][1:])})["ensemble"]
    np.testing.assert_allclose(outputs["image"][1], 127.5 * (alone[0] + 1), atol=0.51)
    np.testing.assert_array_equal(outputs["sensors_used"], present)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"is_absent": is_absent}, "must be None without `any_subset=True`"),
        ({"calibration": Calibration(("rgb",))}, r"of the modalities \['rgb', 'depth', 'normal'\]"),
        ({"outputs": ["entropy"]}, "`outputs` must be some of"),
    ],
)
def test_wrong_options(model, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        export(model, tmp_path, **options)


def test_uncertainty_needs_branches(tmp_path):
    with pytest.raises(ValueError, match="of a model with branches"):
        export(tiny_segmenter(2, Averaging()), tmp_path, outputs=["uncertainty"])
