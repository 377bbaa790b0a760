import pathlib

import keras
import numpy as np
import pytest
from keras import ops

from keras_asym.metrics import ConfusionMatrix
from tests.helpers import images
from tests.models.tiny import CLASSES, VOID, confusion, figures

DATA = pathlib.Path(__file__).parents[1] / "data"
JAX = keras.backend.backend() == "jax"


def example(seed=0, size=2):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, (size, 6, 7)).astype("uint8")
    labels[rng.uniform(size=labels.shape) < 0.2] = VOID
    return labels, images(size, 6, 7, CLASSES, seed=seed)


def matrix_of(metric):
    return ops.convert_to_numpy(metric.matrix)


def assert_figures(metric, matrix):
    result = {key: float(value) for key, value in metric.result().items()}
    expected = {f"{metric.name}_{key}": value for key, value in figures(matrix).items()}
    assert result == pytest.approx(expected, rel=1e-6)


def test_sums_up_batches():
    metric, total = ConfusionMatrix(CLASSES, name="rgb"), 0
    for seed, size in ((0, 2), (1, 3), (2, 1)):
        labels, logits = example(seed, size)
        metric.update_state(labels, logits)
        total = total + confusion(labels, logits.argmax(-1))
    np.testing.assert_array_equal(matrix_of(metric), total)
    assert_figures(metric, total)
    metric.reset_state()
    assert not matrix_of(metric).any()


def test_counts_are_integers_with_a_row_for_each_true_class():
    metric = ConfusionMatrix(3)
    metric.update_state(np.array([[[0, 0, 1, VOID]]]), np.array([[[2, 2, 1, 0]]]))
    counts = metric.counts()
    assert type(counts) is np.ndarray and counts.dtype == "int64"
    np.testing.assert_array_equal(counts, [[0, 0, 2], [0, 1, 0], [0, 0, 0]])


def test_counts_of_an_unknown_label():
    metric = ConfusionMatrix(3, name="rgb")
    metric.update_state(np.array([[[0, 3]]]), np.array([[[0, 1]]]))
    with pytest.raises(ValueError, match=r"in 0\.\.2 or the void label 255.*1 pixels in 'rgb'"):
        metric.counts()


def test_what_is_no_integer_is_no_class():
    metric = ConfusionMatrix(3, name="rgb")
    metric.update_state(np.array([[[0.0, 0.5, 255.0, np.nan]]]), np.array([[[0.0, 1.0, 0.5, 1.0]]]))
    np.testing.assert_array_equal(matrix_of(metric), np.diag([1, 0, 0]))
    with pytest.raises(ValueError, match="2 pixels in 'rgb'"):
        metric.counts()
    metric.reset_state()
    metric.update_state(np.array([[[0.0, 2.0]]]), np.array([[[0.0, 1.5]]]))
    with pytest.raises(ValueError, match="1 pixels in 'rgb'"):
        metric.counts()


def test_one_hot_masks_give_no_figures():
    metric = ConfusionMatrix(CLASSES)
    labels, logits = example()
    one_hot = np.eye(CLASSES, dtype="float32")[np.where(labels == VOID, 0, labels)]
    metric.update_state(one_hot, logits)
    assert all(np.isnan(float(value)) for value in metric.result().values())


def test_published_figures():
    """What the published evaluation says of a given target and prediction, in percent."""
    golden = np.load(DATA / "parity_metric.npz")
    metric = ConfusionMatrix(len(golden["confusion"]), name="m")
    metric.update_state(golden["target"], golden["prediction"])
    np.testing.assert_array_equal(matrix_of(metric), golden["confusion"])
    found = [float(value) for value in metric.result().values()]
    np.testing.assert_allclose(found, golden["scores"] / 100, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_class_indices_and_labels_with_a_channel_axis(dtype):
    labels, logits = example()
    expected = confusion(labels, logits.argmax(-1))
    for true in (labels.astype(dtype), labels.astype(dtype)[..., None]):
        for pred in (logits, logits.argmax(-1).reshape(true.shape)):
            metric = ConfusionMatrix(CLASSES)
            metric.update_state(true, pred)
            np.testing.assert_array_equal(matrix_of(metric), expected)


def test_class_indices_of_an_image_as_wide_as_there_are_classes():
    labels, logits = example()
    labels, predictions = labels[:, :, :CLASSES], logits.argmax(-1)[:, :, :CLASSES]
    metric = ConfusionMatrix(CLASSES)
    metric.update_state(labels, predictions)
    np.testing.assert_array_equal(matrix_of(metric), confusion(labels, predictions))


def test_absent_classes_are_left_out_of_the_means():
    labels = np.array([[[0, 0, 1, 1]]])
    predictions = np.array([[[0, 0, 1, 3]]])  # 3 is predicted only, 2 and 4 occur nowhere
    metric = ConfusionMatrix(CLASSES, name="m")
    metric.update_state(labels, predictions)
    result = {key: float(value) for key, value in metric.result().items()}
    assert result == pytest.approx(
        {"m_pixel_accuracy": 3 / 4, "m_mean_accuracy": (1 + 1 / 2) / 2, "m_mean_iou": 1.5 / 3}
    )
    iou = ops.convert_to_numpy(metric.per_class_iou())
    np.testing.assert_array_equal(iou, np.array([1, 0.5, np.nan, 0, np.nan], "float32"))


def test_void_alone():
    metric = ConfusionMatrix(CLASSES)
    metric.update_state(np.full((1, 2, 2), VOID), np.zeros((1, 2, 2, CLASSES)))
    assert not matrix_of(metric).any()
    assert [float(value) for value in metric.result().values()] == [0, 0, 0]


def test_void_may_be_a_class_number():
    metric = ConfusionMatrix(3, ignore_class=0)
    metric.update_state(np.array([[0, 1, 2]]), np.array([[1, 1, 0]]))
    np.testing.assert_array_equal(matrix_of(metric), [[0, 0, 0], [0, 1, 0], [1, 0, 0]])


def test_counts_stay_exact_above_24_bits():
    metric = ConfusionMatrix(2)
    start = 2**24 if JAX else 2**40
    metric.matrix.assign(np.full((2, 2), start, str(metric.matrix.dtype)))
    for _ in range(3):
        metric.update_state(np.array([[0, 1]]), np.array([[0, 0]]))
    expected = np.array([[start + 3, start], [start + 3, start]])
    np.testing.assert_array_equal(matrix_of(metric), expected)
    assert float(metric.result()["confusion_matrix_pixel_accuracy"]) == pytest.approx(0.5)


def test_counts_are_integers():
    metric = ConfusionMatrix(CLASSES)
    assert keras.backend.standardize_dtype(metric.matrix.dtype) == ("int32" if JAX else "int64")


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("labels", "predictions"),
    [([0, CLASSES], [0, 1]), ([0, 254], [0, 1]), ([0, -1], [0, CLASSES - 1]), ([0, 0], [0, 7])],
)
def test_what_is_no_class_counts_in_no_cell(labels, predictions, compiled):
    metric = ConfusionMatrix(CLASSES, name="m")
    update(metric, np.array([labels]), np.array([predictions]), compiled)
    expected = np.zeros((CLASSES, CLASSES))
    expected[0, 0] = 1
    np.testing.assert_array_equal(matrix_of(metric), expected)
    assert all(np.isnan(float(value)) for value in metric.result().values())
    metric.reset_state()
    update(metric, np.array([[0, VOID]]), np.array([[0, 1]]), compiled)
    assert float(metric.result()["m_mean_iou"]) == 1


def update(metric, labels, predictions, compiled):
    labels, predictions = ops.convert_to_tensor(labels), ops.convert_to_tensor(predictions)
    if not compiled:
        metric.update_state(labels, predictions)
    elif JAX:
        import jax

        state = [v.value for v in metric.variables]
        for variable, value in zip(
            metric.variables,
            jax.jit(metric.stateless_update_state)(state, labels, predictions),
            strict=True,
        ):
            variable.assign(value)
    else:
        import tensorflow as tf

        tf.function(metric.update_state, jit_compile=True)(labels, predictions)


def test_config():
    metric = ConfusionMatrix(7, ignore_class=0, name="depth")
    assert metric.get_config() == {"num_classes": 7, "ignore_class": 0, "name": "depth"}
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert type(again) is ConfusionMatrix and again.get_config() == metric.get_config()
