import keras
import numpy as np
import pytest

from keras_asym.layers import SensorConverter
from keras_asym.models import SensorPreprocessor


def preprocessor():
    return SensorPreprocessor(
        {
            "rgb": SensorConverter(3, "uint8", encoding="uint8"),
            "depth": SensorConverter(1, "uint16", scale=0.001, invalid=0, validity=True),
        }
    )


RAW = {
    "rgb": np.full((1, 2, 2, 3), 255, "uint8"),
    "depth": np.full((1, 2, 2, 1), 3000, "uint16"),
}


def test_each_sensor_by_its_own_converter_and_the_rest_as_it_is():
    present = np.array([[True, False]])
    found = preprocessor()({**RAW, "present": present, "id": np.array([7])})
    assert {name: tuple(x.shape) for name, x in found.items() if name in RAW} == {
        "rgb": (1, 2, 2, 3),
        "depth": (1, 2, 2, 2),
    }
    np.testing.assert_array_equal(found["rgb"], 1.0)
    np.testing.assert_allclose(found["depth"][0, 0, 0], [3, 1], rtol=1e-6)
    np.testing.assert_array_equal(found["present"], present)


def test_the_error_names_the_sensor():
    with pytest.raises(ValueError, match="'depth' must be uint16"):
        preprocessor()({**RAW, "depth": RAW["depth"].astype("float32")})
    with pytest.raises(ValueError, match="'rgb' must have 3 channels"):
        preprocessor()({**RAW, "rgb": RAW["rgb"][..., :1]})


def test_some_of_the_sensors():
    part = preprocessor().select(["depth"])
    assert sorted(part.converters) == ["depth"]
    assert sorted(part({"depth": RAW["depth"]})) == ["depth"]


def test_a_saved_one_converts_alike():
    layer = preprocessor()
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    for name, value in layer(RAW).items():
        np.testing.assert_array_equal(again(RAW)[name], value)


@pytest.mark.parametrize("converters", [{}, [SensorConverter(1)], {"rgb": keras.layers.ReLU()}])
def test_what_are_no_converters(converters):
    with pytest.raises(ValueError, match="`converters"):
        SensorPreprocessor(converters)
