import keras
import numpy as np
import pytest

from keras_asym.layers import SensorConverter
from keras_asym.layers.sensor_converter import check_conversion
from tests.layers.contract import CHANNELS, ONE_TO_THREE, LayerContract

DEPTH = {"scale": 0.001, "mean": 2.0, "std": 0.5, "invalid": 0}


class TestContract(LayerContract):
    def make(self, modalities):
        return SensorConverter(CHANNELS, scale=0.5, mean=0.1, invalid=0, validity=True)

    @ONE_TO_THREE
    def test_precision(self, modalities):
        """Raw values are not to be rounded: it stays in float32 whatever the precision."""
        x = self.inputs(modalities)
        expected = keras.ops.convert_to_numpy(self.make(modalities)(x))
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            found = self.make(modalities)(x)
        finally:
            keras.config.set_dtype_policy("float32")
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(found), expected)


def converted(converter, raw, dtype="uint16"):
    raw = np.array(raw, dtype).reshape(1, -1, 1, converter.channels)
    return np.asarray(keras.ops.convert_to_numpy(converter(raw)))[0, :, 0]


def test_a_depth_by_hand_holes_are_the_mean():
    found = converted(SensorConverter(1, "uint16", **DEPTH), [3000, 0, 1500])
    np.testing.assert_allclose(found[:, 0], [2, 0, -1], atol=1e-6)
    assert found.dtype == "float32"


def test_a_validity_channel_says_what_was_measured():
    converter = SensorConverter(1, **DEPTH, validity=True)
    assert converter.output_channels == 2
    assert converter.compute_output_shape((None, 4, 5, 1)) == (None, 4, 5, 2)
    found = converted(converter, [np.nan, np.inf, 0, 2500], "float32")
    np.testing.assert_allclose(found, [[0, 0], [0, 0], [0, 0], [1, 1]], atol=1e-6)


@pytest.mark.parametrize(
    ("encoding", "raw", "expected"),
    [
        ({"encoding": "uint8"}, [0, 255], [-1, 1]),
        ({"encoding": "scaled", "maximum": 100}, [0, 50, 65535], [-1, 0, 1]),
        ({"encoding": "log_depth"}, [0, 65535], [-1, 2 * np.log(65536) / 11.1 - 1]),
        ({}, [7, 65535], [7, 65535]),
    ],
)
def test_encodings_by_hand(encoding, raw, expected):
    found = converted(SensorConverter(1, **encoding), raw)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-6)


def test_values_that_float32_cannot_tell_apart_are_no_holes():
    converter = SensorConverter(1, invalid=2**32 - 1, validity=True)
    found = converted(converter, [2**32 - 1, 2**32 - 2], "uint32")
    np.testing.assert_array_equal(found[:, 1], [0, 1])


def test_each_channel_has_its_own_numbers_and_a_hole_all_of_them():
    converter = SensorConverter(
        2, scale=(1.0, 2.0), mean=(1.0, 0.0), std=(1.0, 4.0), invalid=(0, 9)
    )
    np.testing.assert_allclose(
        converted(converter, [[3, 2], [0, 9], [0, 8]]), [[2, 1], [0, 0], [-1, 4]]
    )


@pytest.mark.parametrize(
    ("raw_dtype", "dtype"),
    [("uint8", "float32"), ("uint16", "uint8"), ("float32", "uint16"), ("uint16", "int16")],
)
def test_another_kind_of_raw_image_is_refused(raw_dtype, dtype):
    with pytest.raises(ValueError, match=f"must be {raw_dtype}.*\n*.*Received: {dtype}"):
        converted(SensorConverter(1, raw_dtype), [1], dtype)


def test_holes_are_what_the_validity_channel_leaves_out():
    raw = np.array([[0, 9], [0, 8], [np.nan, 8], [3, np.inf]], "float32").reshape(1, 4, 1, 2)
    found = SensorConverter(2, invalid=(0, 9), validity=True).holes(raw)
    assert np.asarray(found).ravel().tolist() == [True, False, True, True]
    found = SensorConverter(2).holes(raw)  # nothing but what is no number
    assert np.asarray(found).ravel().tolist() == [False, False, True, True]
    assert not np.asarray(SensorConverter(2).holes(raw[:, :2].astype("uint16"))).any()


@pytest.mark.parametrize(("raw_dtype", "dtype"), [("uint8", "int32"), ("float32", "float16")])
def test_a_dtype_that_holds_the_same_values_is_taken(raw_dtype, dtype):
    np.testing.assert_array_equal(converted(SensorConverter(1, raw_dtype), [3], dtype), [[3]])


@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_a_hole_value_that_the_image_cannot_hold_is_refused(dtype):
    with pytest.raises(ValueError, match=f"`invalid` must be a value.*{dtype}"):
        converted(SensorConverter(1, invalid=65535), [3], dtype)


def test_the_image_has_the_channels():
    with pytest.raises(ValueError, match="must have 3 channels"):
        SensorConverter(3)(np.zeros((1, 2, 2, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 0}, "`channels` must be a positive integer"),
        ({"encoding": "log"}, "`encoding` must be one of"),
        ({"encoding": "uint8", "mean": 1.0}, r"must not have the keys \['mean'\]"),
        ({"encoding": "scaled"}, "`maximum` must be the positive raw value"),
        ({"std": 0}, "`std` must be positive and finite"),
        ({"mean": float("nan")}, "`mean` must be finite"),
        ({"mean": (1, 2, 3)}, "one number for each of the 1 channels"),
        ({"validity": True}, "`invalid` must say which raw value"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SensorConverter(**{"channels": 1, **arguments})
    with pytest.raises(ValueError, match=r"depth"):
        check_conversion({"channels": 1, **arguments}, "modalities['depth']")


def test_a_saved_layer_converts_alike():
    converter = SensorConverter(1, "uint16", **{**DEPTH, "mean": np.float32(2.0)}, validity=True)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(converter))
    raw = [3000, 0, 1500]
    np.testing.assert_array_equal(converted(again, raw), converted(converter, raw))
    assert again.raw_dtype == "uint16"


def test_depth_in_millimetres_is_not_rounded_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        converter = SensorConverter(1, mean=0.0, scale=0.001)
        np.testing.assert_allclose(converted(converter, [70001], "float32"), [[70.001]], rtol=1e-6)
    finally:
        keras.config.set_dtype_policy("float32")


def test_in_a_tf_data_pipeline_of_any_backend():
    tf = pytest.importorskip("tensorflow")
    converter = SensorConverter(1, **DEPTH)
    raw = np.array([3000, 0], "uint16").reshape(1, 2, 1)
    found = next(iter(tf.data.Dataset.from_tensors(raw).map(converter.convert)))
    np.testing.assert_allclose(found.numpy()[0, :, 0], [2, 0], atol=1e-6)
