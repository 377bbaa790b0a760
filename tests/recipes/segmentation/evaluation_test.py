import numpy as np
import pytest
import tensorflow as tf

from keras_asym.models import Segmenter
from keras_asym.networks import RefineNet
from recipes.segmentation.evaluation import (
    Protocol,
    class_figures,
    class_text,
    evaluate,
    labels_of,
    make_predict,
    mean_iou,
    never_predicted,
    text_table,
)

SPECS = {"rgb": {"interpolation": "bilinear"}, "depth": {"interpolation": "nearest"}}


@pytest.fixture(scope="module")
def model():
    network = RefineNet("resnet18", 4, "light", (8, 8, 8, 8), backbone_width=8)
    return Segmenter(network, {"rgb": 3, "depth": 1})


@pytest.fixture
def images(rng):
    return {
        "rgb": tf.constant(rng.standard_normal((2, 40, 56, 3)), "float32"),
        "depth": tf.constant(rng.standard_normal((2, 40, 56, 1)), "float32"),
    }


class Pointwise:
    """A network whose logits are the channels of an image; it keeps what it was given."""

    output_keys = ("ensemble",)
    num_classes = 3
    ignore_class = 255

    def __init__(self, name="rgb"):
        self.name = name
        self.seen = []

    def predict_on_batch(self, images):
        self.seen.append({name: np.array(image) for name, image in images.items()})
        return {"ensemble": np.array(images[self.name])}


def test_a_single_scale_is_the_models_softmax(model, images):
    probabilities = make_predict(model, SPECS, Protocol())(images)
    for key, logits in model(images).items():
        np.testing.assert_allclose(probabilities[key], tf.nn.softmax(logits), atol=1e-6)


def test_mirroring_makes_the_prediction_symmetric(model, images):
    predict = make_predict(model, SPECS, Protocol(flip=True))
    mirrored = predict({name: image[:, :, ::-1] for name, image in images.items()})
    direct = predict(images)
    np.testing.assert_allclose(mirrored["ensemble"][:, :, ::-1], direct["ensemble"], atol=1e-6)
    plain = make_predict(model, SPECS, Protocol())(images)
    assert np.abs(plain["ensemble"] - direct["ensemble"]).max() > 1e-3


@pytest.mark.parametrize("channels", [0, (0,), (0, 2)])
def test_mirroring_negates_what_points_along_the_width(rng, channels):
    given = {
        "normal": rng.standard_normal((1, 4, 6, 3)).astype("float32"),
        "depth": rng.standard_normal((1, 4, 6, 1)).astype("float32"),
    }
    specs = {"normal": {"mirror_channels": channels}, "depth": {}}
    model = Pointwise("normal")
    found = make_predict(model, specs, Protocol(flip=True))(given)["ensemble"]
    plain, mirrored = model.seen
    signs = np.ones(3, "float32")
    signs[np.ravel(channels)] = -1
    np.testing.assert_array_equal(plain["normal"], given["normal"])
    np.testing.assert_array_equal(mirrored["normal"], given["normal"][:, :, ::-1] * signs)
    np.testing.assert_array_equal(mirrored["depth"], given["depth"][:, :, ::-1])
    expected = (tf.nn.softmax(given["normal"]) + tf.nn.softmax(given["normal"] * signs)) / 2
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_scales_are_averaged(images):
    both, half, whole = (
        make_predict(Pointwise(), SPECS, Protocol(scales))(images)["ensemble"]
        for scales in ((0.5, 1.0), (0.5,), (1.0,))
    )
    np.testing.assert_allclose(both, (half + whole) / 2, atol=1e-6)
    assert np.abs(half - whole).max() > 1e-3


def test_other_scales_are_resized_as_the_specs_say(rng):
    given = {"rgb": rng.standard_normal((1, 4, 6, 3)), "depth": rng.integers(0, 9, (1, 4, 6, 1))}
    given = {name: image.astype("float32") for name, image in given.items()}
    model = Pointwise()
    make_predict(model, SPECS, Protocol((1.5,)))(given)
    ((seen),) = model.seen
    np.testing.assert_allclose(seen["rgb"], tf.image.resize(given["rgb"], (6, 9)), atol=1e-6)
    assert seen["depth"].shape == (1, 6, 9, 1)
    assert set(seen["depth"].ravel()) <= set(given["depth"].ravel())  # no depth is made up


@pytest.mark.parametrize("size", [(20, 30), (21, 31), (7, 64), (5, 5)])
@pytest.mark.parametrize(
    ("window", "overlap"), [((8, 8), 0.5), ((8, 12), 0.0), ((7, 9), 0.9), ((64, 8), 0.25)]
)
def test_windows_cover_every_pixel_and_are_averaged(rng, size, window, overlap):
    given = {"rgb": rng.standard_normal((2, *size, 3)).astype("float32")}
    model = Pointwise()
    found = make_predict(model, SPECS, Protocol(window=window, overlap=overlap))(given)
    np.testing.assert_allclose(found["ensemble"], tf.nn.softmax(given["rgb"]), atol=1e-6)
    shape = tuple(min(pair) for pair in zip(size, window, strict=True))
    assert {seen["rgb"].shape[1:3] for seen in model.seen} == {shape}


def test_windows_overlap_by_at_least_their_share(rng):
    columns = np.broadcast_to(np.arange(100.0, dtype="float32")[:, None], (1, 10, 100, 1))
    for overlap in (0.0, 0.25, 0.5, 0.8):
        model = Pointwise("column")
        protocol = Protocol(window=(10, 24), overlap=overlap)
        make_predict(model, {"column": {}}, protocol)({"column": columns})
        lefts = [int(seen["column"][0, 0, 0, 0]) for seen in model.seen]
        assert lefts[0] == 0 and lefts[-1] == 76
        steps = np.diff(lefts)
        assert (steps > 0).all() and (24 - steps >= 24 * overlap).all()
        assert len(lefts) == 1 + np.ceil(76 / int(24 * (1 - overlap) + 1e-9))


def test_where_windows_overlap_their_probabilities_are_averaged():
    class Left(Pointwise):
        """Class 0 in the first window, class 1 in the second."""

        def predict_on_batch(self, images):
            logits = super().predict_on_batch(images)["ensemble"]
            return {"ensemble": np.zeros_like(logits) + 50 * np.eye(3)[len(self.seen) - 1]}

    given = {"rgb": np.zeros((1, 4, 6, 3), "float32")}
    found = make_predict(Left(), SPECS, Protocol(window=(4, 4), overlap=0.5))(given)["ensemble"]
    expected = [[1, 0], [1, 0], [0.5, 0.5], [0.5, 0.5], [0, 1], [0, 1]]
    np.testing.assert_allclose(found[0, 0, :, :2], expected, atol=1e-6)


def test_windows_scales_and_mirroring_together(images):
    protocol = Protocol((0.5, 1.0), flip=True, window=(32, 32))
    model = Pointwise()
    found = make_predict(model, SPECS, protocol)(images)
    assert found["ensemble"].shape == (2, 40, 56, 3)
    np.testing.assert_allclose(found["ensemble"].sum(-1), 1, atol=1e-5)
    sizes = [seen["rgb"].shape[1:3] for seen in model.seen]
    assert sizes.count((16, 16)) == sizes.count((32, 32)) == len(sizes) / 2 == 2 * 2 * 3


def batches_of(labels, predictions, size=2):
    logits = 9 * np.eye(3, dtype="float32")[predictions]
    data = ({"rgb": logits}, np.asarray(labels, "int32"))
    return tf.data.Dataset.from_tensor_slices(data).batch(size)


def test_figures_and_confusion_by_hand():
    labels = [[[0, 0, 1, 255]], [[1, 1, 2, 0]], [[255, 255, 255, 255]]]
    predictions = [[[0, 1, 1, 2]], [[1, 0, 1, 0]], [[0, 1, 2, 0]]]
    for size in (1, 2, 3):
        batches = batches_of(labels, predictions, size)
        results, matrices, parts = evaluate(Pointwise(), batches, {"rgb": {}}, progress=False)
        expected = [[1, 1, 0, 2, 2, 0], [1, 1, 0, 2, 3, 1], [0] * 6]
        np.testing.assert_array_equal(parts["ensemble"], expected)
        assert mean_iou(parts["ensemble"].sum(0)) == pytest.approx(0.3)
        np.testing.assert_array_equal(matrices["ensemble"], [[2, 1, 0], [1, 2, 0], [0, 1, 0]])
        assert matrices["ensemble"].dtype == "int64"
        expected = {"pixel accuracy": 4 / 7, "mean accuracy": 4 / 9, "mean IoU": (0.5 + 0.4) / 3}
        assert results["ensemble"] == pytest.approx(expected)


def test_a_branch_counts_where_its_sensor_is_there(model):
    labels, present = np.zeros((2, 1, 2), "uint8"), np.array([[True, False], [True, True]])
    assert not labels_of("rgb", labels, present, model).any()
    assert labels_of("ensemble", labels, present, model) is labels
    of_depth = labels_of("depth", labels, present, model)
    np.testing.assert_array_equal(of_depth, [[[255, 255]], [[0, 0]]])
    assert labels_of("depth", labels, None, model) is labels


def test_figures_of_each_class_by_hand():
    figures = class_figures(np.array([[6, 2, 0, 0], [0, 2, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0]]))
    expected = {
        "IoU": [6 / 8, 2 / 6, np.nan, 0],
        "accuracy": [6 / 8, 2 / 4, np.nan, np.nan],
        "precision": [1, 2 / 4, np.nan, 0],
        "pixels": [8, 4, 0, 0],
    }
    assert list(figures) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(figures[name], values, err_msg=name)


def test_tables_as_text():
    values = {"pixel accuracy": 0.912, "mean accuracy": 0.5, "mean IoU": 0.25}
    text = text_table({"rgb": values, "ensemble": values}, Protocol(), 7)
    head, first, *_, last = text.splitlines()
    assert head.split() == ["pixel", "accuracy", "mean", "accuracy", "mean", "IoU"]
    assert first.split() == ["rgb", "91.2", "50.0", "25.0"]
    assert last == "percent; single scale, no mirroring; 7 images"
    lines = class_text(np.array([[3, 1], [0, 0]]), ["wall", "floor"])
    assert [line.split() for line in lines] == [
        ["IoU", "accuracy", "precision", "pixels"],
        ["wall", "75.0", "75.0", "100.0", "4"],
        ["floor", "0.0", "-", "0.0", "0"],
    ]


def test_classes_that_are_never_predicted():
    names = ["wall", "floor", "door"]
    assert never_predicted(np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]]), names) == ""
    text = never_predicted(np.array([[3, 0, 0], [2, 0, 0], [1, 0, 0]]), names)
    assert "takes no pixel for 'floor', 'door'. Rare" in text and "loss.dice_weight" in text
    many = np.zeros((12, 12), int)
    many[:, 0] = 1
    assert "'8' and 3 more. Rare" in never_predicted(many, [str(n) for n in range(12)])


def test_protocols_name_themselves():
    assert str(Protocol()) == "single scale, no mirroring"
    assert str(Protocol((0.75, 1.25), flip=True)) == "multi-scale (0.75, 1.25), with mirroring"
    windows = Protocol(window=(512, 640), overlap=0.25, modalities=("rgb", "depth"))
    expected = "no mirroring, windows of 512x640 overlapping by 25 %, rgb + depth alone"
    assert str(windows) == f"single scale, {expected}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scales": ()}, "`scales` must be positive"),
        ({"scales": (1.0, 0.0)}, "`scales` must be positive"),
        ({"window": (512,)}, "`window` must be height,width in pixels"),
        ({"window": (512, 0)}, "`window` must be height,width in pixels"),
        ({"overlap": 1.0}, r"`overlap` must be in \[0, 1\)"),
        ({"overlap": -0.1}, r"`overlap` must be in \[0, 1\)"),
    ],
)
def test_unusable_protocols(arguments, message):
    with pytest.raises(ValueError, match=message):
        Protocol(**arguments)
