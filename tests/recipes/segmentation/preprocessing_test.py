import numpy as np
import pytest
import tensorflow as tf

from recipes.segmentation.preprocessing import check_modalities, normalize


def test_normalize_by_hand():
    spec = {"channels": 3, "scale": 1 / 255, "mean": (0.5, 0.4, 0.0), "std": (0.5, 0.2, 0.1)}
    image = np.array([[[255, 102, 51]]], "uint8")
    np.testing.assert_allclose(normalize(image, spec), [[[1.0, 0.0, 2.0]]], atol=1e-6)


def test_normalize_defaults_only_cast():
    values = normalize(np.array([[[7]]], "uint16"), {"channels": 1})
    assert values.dtype == tf.float32
    np.testing.assert_array_equal(values, [[[7.0]]])


def test_invalid_pixels_become_the_mean():
    spec = {"channels": 1, "scale": 0.001, "mean": (2.0,), "std": (0.5,), "invalid": 0}
    depth = np.array([[[0], [3000]]], "uint16")
    np.testing.assert_allclose(normalize(depth, spec), [[[0.0], [2.0]]], atol=1e-6)
    without = {key: value for key, value in spec.items() if key != "invalid"}
    np.testing.assert_allclose(normalize(depth, without), [[[-4.0], [2.0]]], atol=1e-6)


def test_normalize_in_a_graph_of_dynamic_shape():
    spec = {"channels": 1, "scale": 1 / 5000, "invalid": 65535}
    signature = [tf.TensorSpec((None, None, None, 1), tf.uint16)]
    serve = tf.function(lambda image: normalize(image, spec), input_signature=signature)
    image = np.array([10000, 65535, 5000, 0, 1, 2], "uint16").reshape(1, 2, 3, 1)
    expected = np.array([2, 0, 1, 0, 0.0002, 0.0004]).reshape(1, 2, 3, 1)
    np.testing.assert_allclose(serve(image), expected, atol=1e-7)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"scale": 1.0}, "positive integer"),
        (
            {"channels": 3, "interpolation": "cubic"},
            "must be one of .*'bicubic'.*Received.*'cubic'",
        ),
        ({"channels": 3, "mean": (0.1, 0.2)}, "each of the 3 channels"),
        ({"channels": 1, "std": 0.0}, "must not be 0"),
        ({"channels": 1, "sclae": 0.001}, "unknown keys .'sclae'."),
        ({"channels": 1, "invalid": 0, "interpolation": "bilinear"}, "must be 'nearest'"),
    ],
)
def test_unusable_specs(spec, message):
    with pytest.raises(ValueError, match=message):
        check_modalities({"depth": spec})


def test_no_modality():
    with pytest.raises(ValueError, match="at least one modality"):
        check_modalities({})
