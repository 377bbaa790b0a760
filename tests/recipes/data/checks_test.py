import numpy as np
import pytest
import tensorflow as tf

from recipes.data import numpy_ops, tensorflow_ops
from recipes.data.checks import check_images, check_source

MODALITIES = {"rgb": {"channels": 3}, "depth": {"channels": 1}}
CHANNELS = {"rgb": 3, "depth": 1, "label": 1}
FAILURES = (ValueError, tf.errors.InvalidArgumentError)


def example(**changes):
    return {
        "rgb": np.zeros((4, 6, 3), "uint8"),
        "depth": np.ones((4, 6, 1), "float32"),
        "label": np.zeros((4, 6, 1), "uint8"),
        **changes,
    }


def source(count=2, **changes):
    images = {
        name: np.stack([image] * count) if count else np.zeros((0, *image.shape), image.dtype)
        for name, image in example(**changes).items()
    }
    return tf.data.Dataset.from_tensor_slices(images)


def check(images, ops, modalities=None):
    return check_images(images, modalities or MODALITIES, "label", ops.asarray("a7"), ops, 3)


@pytest.fixture(params=["numpy", "tensorflow"])
def run(request):
    """Checks one example, inside a pipeline where it is TensorFlow's, as training does."""

    def in_tensorflow(modalities=None, **changes):
        dataset = source(1, **changes).map(lambda x: check(x, tensorflow_ops, modalities))
        return next(iter(dataset))

    def in_numpy(modalities=None, **changes):
        return check(example(**changes), numpy_ops, modalities)

    return {"numpy": in_numpy, "tensorflow": in_tensorflow}[request.param]


def with_value(image, value):
    image = np.array(image)
    image[2, 3, 0] = value
    return image


LABEL_3 = with_value(example()["label"], 3)


def test_good_examples_pass(run):
    assert check_source(source(), CHANNELS) == 2
    label = with_value(example()["label"], 255)
    checked = run(label=label, normal=np.zeros((4, 6, 3), "uint8"))
    assert sorted(checked) == ["depth", "label", "rgb"]
    np.testing.assert_array_equal(checked["label"], label)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(run, value):
    depth = with_value(example()["depth"], value)
    with pytest.raises(FAILURES, match=r"Example `a7`: `depth` must be finite.*: 1"):
        run(depth=depth)
    holes = {**MODALITIES, "depth": {"channels": 1, "invalid": 0}}
    np.testing.assert_array_equal(run(holes, depth=depth)["depth"], depth)


@pytest.mark.parametrize("value", [3, 40, 254])
def test_label_out_of_range(run, value):
    label = with_value(example()["label"], value)
    message = rf"Example `a7`: `label` must be 0..2 or 255 \(void\). Received: \[{value}\]"
    with pytest.raises(FAILURES, match=message):
        run(label=label)


def test_negative_label(run):
    with pytest.raises(FAILURES, match=r"Received: \[-1\]"):
        run(label=with_value(example()["label"].astype("int32"), -1))


def test_checks_come_before_what_uses_the_example():
    # In a bare graph an operation runs only if the result asks for it.
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        images = {key: tf.constant(value) for key, value in example(label=LABEL_3).items()}
        checked = check(images, tensorflow_ops)
        for image in checked.values():
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"Received: \[3\]"):
                session.run(image)


def test_sizes_that_differ(run):
    message = r"Example `a7`: `depth` and `label` must have the same.*Received: \[4 5\] and \[4 6\]"
    with pytest.raises(FAILURES, match=message):
        run(depth=np.ones((4, 5, 1), "float32"))
    with pytest.raises(FAILURES, match="Example `a7`: `depth` must have pixels: it is missing"):
        run(depth=np.ones((0, 0, 1), "float32"))


def test_missing_modality_names_what_there_is():
    message = r"\['hha'\].*Received: entries \['depth', 'label', 'rgb'\]"
    with pytest.raises(ValueError, match=message):
        check_source(source(), {"rgb": 3, "hha": 3})


def test_wrong_number_of_channels():
    with pytest.raises(ValueError, match=r"'depth'.*\(height, width, 3\).*\(4, 6, 1\)"):
        check_source(source(), {"depth": 3})


def test_label_without_channel_axis():
    with pytest.raises(ValueError, match=r"'label'.*\(height, width, 1\).*\(4, 6\)"):
        check_source(source(label=np.zeros((4, 6), "uint8")), CHANNELS)


def test_label_of_floats():
    with pytest.raises(ValueError, match=r"integer class ids. Received: float32"):
        check_source(source(label=np.zeros((4, 6, 1), "float32")), CHANNELS)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (source(0), "at least one example"),
        (source().repeat(), "cardinality infinite"),
        (source().filter(lambda x: True), "assert_cardinality.*cardinality unknown"),
        (tf.data.Dataset.range(3), "data set of dicts"),
    ],
)
def test_unusable_sources(dataset, message):
    with pytest.raises(ValueError, match=message):
        check_source(dataset, CHANNELS)
