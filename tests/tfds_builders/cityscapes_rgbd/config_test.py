import pytest

from tfds_builders.cityscapes_rgbd.config import CityscapesRGBDConfig


def test_names():
    assert CityscapesRGBDConfig().name == "full"
    assert CityscapesRGBDConfig(2).name == "half"
    assert CityscapesRGBDConfig(2).shape == (512, 1024)
    numbers = {"validation": 2, "train": 3}
    config = CityscapesRGBDConfig(2, [8, 16], numbers)
    assert config.name == "half_of_8x16_train3_validation2"
    assert config == CityscapesRGBDConfig(2, (8, 16), {"train": 3, "validation": 2})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"divisor": 4}, "`divisor` must be 1 or 2"),
        ({"divisor": 2, "frame_size": (7, 16)}, "`frame_size` must be"),
        ({"frame_size": (8, 16, 3)}, "`frame_size` must be"),
        ({"num_examples": {"val": 500}}, "`num_examples` must map"),
        ({"num_examples": {"train": 0}}, "`num_examples` must map"),
        ({"num_examples": {}}, "`num_examples` must map"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        CityscapesRGBDConfig(**arguments)
