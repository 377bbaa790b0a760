import numpy as np
import pytest
import tensorflow as tf

from recipes.data.checks import check_batch_size, check_images, check_source
from recipes.data.sources import MemorySource

MODALITIES = {"rgb": {"channels": 3}, "depth": {"channels": 1}}
CHANNELS = {"rgb": 3, "depth": 1, "label": 1}


def example(**changes):
    return {
        "rgb": np.zeros((4, 6, 3), "uint8"),
        "depth": np.ones((4, 6, 1), "float32"),
        "label": np.zeros((4, 6, 1), "uint8"),
        **changes,
    }


def source(count=2, **changes):
    return MemorySource([example(**changes)] * count)


def check(images, modalities=None):
    return check_images(images, modalities or MODALITIES, "label", tf.constant("a7"), 3)


@pytest.fixture(params=["eager", "pipeline"])
def run(request):
    """Checks one example, outside and inside of a pipeline."""

    def in_pipeline(modalities=None, **changes):
        dataset = source(1, **changes).dataset().map(lambda images: check(images, modalities))
        return next(iter(dataset))

    def eager(modalities=None, **changes):
        images = example(**changes)
        return check({name: tf.constant(image) for name, image in images.items()}, modalities)

    return {"eager": eager, "pipeline": in_pipeline}[request.param]


def with_value(image, value):
    image = np.array(image)
    image[2, 3, 0] = value
    return image


LABEL_3 = with_value(example()["label"], 3)


def test_good_examples_pass(run):
    check_source(source(), CHANNELS)
    label = with_value(example()["label"], 255)
    checked = run(label=label, normal=np.zeros((4, 6, 3), "uint8"))
    assert sorted(checked) == ["depth", "label", "rgb"]
    np.testing.assert_array_equal(checked["label"], label)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(run, value):
    depth = with_value(example()["depth"], value)
    message = r"Example `a7`: `depth` must be finite.*set `invalid` in its spec.*: 1"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        run(depth=depth)
    holes = {**MODALITIES, "depth": {"channels": 1, "invalid": 0}}
    np.testing.assert_array_equal(run(holes, depth=depth)["depth"], depth)


@pytest.mark.parametrize("value", [3, 40, 254])
def test_label_out_of_range(run, value):
    label = with_value(example()["label"], value)
    message = rf"Example `a7`: `label` must be 0..2 or 255 \(void\). Received: \[{value}\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        run(label=label)


def test_negative_label(run):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Received: \[-1\]"):
        run(label=with_value(example()["label"].astype("int32"), -1))


def test_checks_come_before_what_uses_the_example():
    # In a bare graph an operation runs only if the result asks for it.
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        images = {key: tf.constant(value) for key, value in example(label=LABEL_3).items()}
        checked = check(images)
        for image in checked.values():
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"Received: \[3\]"):
                session.run(image)


def test_sizes_that_differ(run):
    message = r"Example `a7`: `depth` and `label` must have the same.*Received: \[4 5\] and \[4 6\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        run(depth=np.ones((4, 5, 1), "float32"))
    message = "Example `a7`: `depth` must have pixels: it is missing"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
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


def test_a_source_without_examples():
    with pytest.raises(ValueError, match="at least one example: check the split's name"):
        check_source(source(0), CHANNELS)


@pytest.mark.parametrize("size", [0, -1])
def test_batch_size(size):
    with pytest.raises(ValueError, match=f"at least 1. Received: batch_size={size}"):
        check_batch_size(size)
