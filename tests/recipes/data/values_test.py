import numpy as np
import pytest
import tensorflow as tf

from recipes.data.specs import input_channels
from recipes.data.values import denormalize, normalize


def values(image, spec, dtype="uint16"):
    """Network values of one row of pixels."""
    image = np.array(image, dtype)
    image = image[None, :, None] if image.ndim == 1 else image[None]
    result = np.array(normalize(image, spec))
    assert result.dtype == "float32"
    assert result.shape == (*image.shape[:2], input_channels(spec))
    return result[0]


def test_linear_by_hand():
    spec = {"channels": 3, "scale": 1 / 255, "mean": (0.5, 0.4, 0.0), "std": (0.5, 0.2, 0.1)}
    result = values([[255, 102, 51]], spec, "uint8")
    np.testing.assert_allclose(result, [[1.0, 0.0, 2.0]], atol=1e-6)


def test_linear_without_settings_only_casts():
    np.testing.assert_array_equal(values([7, 60000], {"channels": 1}), [[7], [60000]])


def test_uint8_by_hand():
    spec = {"channels": 3, "encoding": "uint8"}
    result = values([[0, 128, 255]], spec, "uint8")
    np.testing.assert_allclose(result, [[-1, 0.5 / 127.5, 1]], atol=1e-6)


def test_log_depth_by_the_papers_formula():
    raw = np.array([0, 511, 5119, 65534, 65535])
    expected = 2 * np.log(1 + raw.astype("float64")) / 11.1 - 1
    result = values(raw, {"channels": 1, "encoding": "log_depth"})[:, 0]
    np.testing.assert_allclose(result, expected, atol=1e-6)
    assert 0.998 < result[-1] < 1  # 1 is added after the conversion: no overflow to 0


def test_scaled_is_clipped_and_never_wrapped():
    spec = {"channels": 1, "encoding": "scaled", "maximum": 11355}
    result = values([0, 11355, 11356, 22710, 65535], spec)[:, 0]
    np.testing.assert_allclose(result, [-1, 1, 1, 1, 1], atol=1e-6)


def test_no_quantization():
    spec = {"channels": 1, "encoding": "scaled", "maximum": 11584}
    result = values(np.arange(2000), spec)
    assert len(np.unique(result)) == 2000


def test_holes_become_the_mean():
    spec = {"channels": 1, "scale": 0.001, "mean": 2.0, "std": 0.5, "invalid": 0}
    np.testing.assert_allclose(values([0, 3000], spec), [[0], [2]], atol=1e-6)
    without = {key: value for key, value in spec.items() if key != "invalid"}
    np.testing.assert_allclose(values([0, 3000], without), [[-4], [2]], atol=1e-6)


def test_no_geometry_is_the_far_end():
    spec = {"channels": 1, "encoding": "log_depth", "invalid": 65535, "validity": True}
    result = values([65535, 511], spec)
    np.testing.assert_allclose(result[0], [2 * np.log(65536) / 11.1 - 1, 0], atol=1e-6)
    assert result[1, 1] == 1


def test_a_hole_of_three_channels_has_all_of_them_invalid():
    spec = {"channels": 3, "encoding": "uint8", "invalid": (128, 128, 128), "validity": True}
    result = values([[128, 128, 128], [128, 128, 0]], spec, "uint8")
    np.testing.assert_array_equal(result[:, 3], [0, 1])


@pytest.mark.parametrize("encoding", [{}, {"encoding": "log_depth"}])
def test_not_finite_is_a_hole(encoding):
    spec = {"channels": 1, "invalid": 0, "validity": True, **encoding}
    result = values([np.nan, np.inf, -np.inf, 0, 2.5], spec, "float32")
    np.testing.assert_array_equal(result[:, 1], [0, 0, 0, 0, 1])
    assert np.isfinite(result).all()
    assert len(np.unique(result[:4, 0])) == 1


def test_in_a_graph_of_dynamic_shape():
    spec = {"channels": 1, "scale": 1 / 5000, "invalid": 65535, "validity": True}
    signature = [tf.TensorSpec((None, None, None, 1), tf.uint16)]
    serve = tf.function(lambda image: normalize(image, spec), input_signature=signature)
    image = np.array([10000, 65535, 5000, 0, 1, 2], "uint16").reshape(1, 2, 3, 1)
    result = serve(image)
    assert result.shape == (1, 2, 3, 2)
    expected = np.array([2, 0, 1, 0, 0.0002, 0.0004]).reshape(1, 2, 3)
    np.testing.assert_allclose(result[..., 0], expected, atol=1e-7)
    np.testing.assert_array_equal(result[..., 1], image[..., 0] != 65535)


@pytest.mark.parametrize("invalid", [0.0, (0,), [0.0]])
def test_a_hole_of_whole_numbers_may_be_written_in_any_way(invalid):
    spec = {"channels": 1, "invalid": invalid, "validity": True}
    np.testing.assert_array_equal(values([0, 5], spec), [[0, 0], [5, 1]])


EVERY = {
    "linear": {"channels": 1, "scale": 1 / 5000, "mean": 2.0, "std": 1.3},
    "of each channel": {"channels": 3, "scale": 1 / 255, "mean": (0.5, 0.4, 0.3), "std": 0.2},
    "as it is": {"channels": 2},
    "uint8": {"channels": 3, "encoding": "uint8"},
    "log_depth": {"channels": 1, "encoding": "log_depth"},
    "scaled": {"channels": 1, "encoding": "scaled", "maximum": 65535},
}


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY)
def test_raw_values_come_back(spec, dtype):
    if dtype == "float32":
        raw = np.linspace(0, 255, 1000, dtype=dtype)
    else:
        raw = np.arange(np.iinfo(dtype).max + 1).astype(dtype)
    raw = np.repeat(raw[:, None, None], spec["channels"], -1)
    back = denormalize(normalize(raw, spec), spec, dtype)
    assert back.dtype == dtype and back.shape == raw.shape
    if dtype == "float32":
        np.testing.assert_allclose(back, raw, rtol=1e-5, atol=1e-3)
    else:
        np.testing.assert_array_equal(back, raw)


def test_network_values_beyond_the_dtype_are_clipped_and_rounded():
    spec = {"channels": 1, "encoding": "uint8"}
    network = np.array([-1.5, -1.0, 0.0, 1.0, 1.01])[:, None]
    np.testing.assert_array_equal(denormalize(network, spec, "uint8")[:, 0], [0, 0, 128, 255, 255])
    spec = {"channels": 1, "encoding": "scaled", "maximum": 11355}
    np.testing.assert_array_equal(denormalize(network, spec, "uint16")[:, 0][[0, 3]], [0, 11355])
