import pytest

from tfds_builders.nyudv2_rgbd.config import NYUDv2Config


def test_names_and_sizes():
    assert NYUDv2Config().name == "40_classes"
    assert NYUDv2Config().size == (468, 625)
    config = NYUDv2Config(13, raw_depth=True, full_frame=True)
    assert config.name == "13_classes_raw_full_frame"
    assert config.size == (480, 640) and len(config.class_names) == 13
    assert NYUDv2Config(13, "folder").name == "13_classes_folder"
    assert NYUDv2Config(13, "folder").size == (None, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 41}, "`num_classes` must be 40 or 13"),
        ({"source": "zip"}, "`source` must be 'mat' or 'folder'"),
        ({"source": "folder", "raw_depth": True}, "`raw_depth` and `full_frame` must be left out"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        NYUDv2Config(**arguments)
