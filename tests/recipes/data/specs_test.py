import pytest

from recipes.data.specs import (
    check_specs,
    input_channels,
    interpolation,
    mirror_channels,
    with_scale,
)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"scale": 1.0}, "positive integer"),
        ({"channels": True}, "positive integer"),
        (
            {"channels": 3, "interpolation": "cubic"},
            "must be one of .*'bicubic'.*Received.*'cubic'",
        ),
        ({"channels": 3, "mean": (0.1, 0.2)}, "each of the 3 channels"),
        ({"channels": 3, "invalid": (0, 0)}, "each of the 3 channels"),
        ({"channels": 1, "std": 0.0}, "must be positive and finite. Received: std=0.0"),
        ({"channels": 3, "std": (1, -1, 1)}, r"must be positive and finite. Received: std=\(1, -1"),
        ({"channels": 1, "scale": -0.001}, "must be positive and finite"),
        ({"channels": 1, "mean": float("nan")}, "must be finite. Received: mean=nan"),
        ({"channels": 1, "invalid": "0"}, "must be finite. Received: invalid=0"),
        ({"channels": 1, "sclae": 0.001}, "unknown keys .'sclae'."),
        ({"channels": 1, "invalid": 0, "interpolation": "bilinear"}, "must be 'nearest'"),
        ({"channels": 1, "validity": True}, "'invalid'.*not measured"),
        ({"channels": 1, "encoding": "log"}, "must be one of .*'log_depth'.*Received.*'log'"),
        ({"channels": 1, "encoding": "scaled"}, "'maximum'.*must be the positive raw value"),
        ({"channels": 1, "encoding": "uint8", "mean": 0.5}, "must not have the keys .'mean'."),
        ({"channels": 1, "maximum": 5}, "must not have the keys .'maximum'."),
        ({"channels": 1, "mirror_channels": (1,)}, "must be among 0..0"),
        ({"channels": 1, "mirror_channels": 1}, "must be among 0..0"),
        ({"channels": 1, "stem": "hha"}, "'stem'.*must be one of .*'normals'.*stem='hha'"),
        ({"channels": 3, "stem": "normals"}, "'stem'.*depth with one channel.*channels=3"),
        ({"channels": 1, "stem": "normals", "encoding": "log_depth"}, "'stem'.*linear encoding"),
    ],
)
def test_unusable_specs(spec, message):
    with pytest.raises(ValueError, match=rf"`modalities\['depth'\].*{message}"):
        check_specs({"depth": spec})


def test_no_image():
    with pytest.raises(ValueError, match=r"`domains` must name at least one image"):
        check_specs({}, "domains")


def test_a_validity_channel_is_one_more():
    assert input_channels({"channels": 3}) == 3
    assert input_channels({"channels": 1, "invalid": 0, "validity": True}) == 2


def test_images_with_holes_are_never_interpolated():
    assert interpolation({"channels": 3}, "bilinear") == "bilinear"
    assert interpolation({"channels": 1, "invalid": 65535}, "bilinear") == "nearest"
    assert interpolation({"channels": 1, "interpolation": "bicubic"}, "bilinear") == "bicubic"


@pytest.mark.parametrize(
    ("value", "channels"),
    [(None, ()), ((), ()), (0, (0,)), (2, (2,)), ((0, 1), (0, 1)), ([1], (1,))],
)
def test_channels_of_a_mirror_image(value, channels):
    assert mirror_channels({"channels": 3, "mirror_channels": value}) == channels


def test_metres_by_what_the_data_set_says():
    spec = {"channels": 1, "unit": "metres", "invalid": 0}
    check_specs({"depth": spec})
    found = with_scale("depth", spec, 200)
    assert found == {"channels": 1, "unit": None, "invalid": 0, "scale": 1 / 200}
    check_specs({"depth": found})
    plain = {"channels": 1, "scale": 0.001}
    assert with_scale("depth", plain, 200) is plain
    with pytest.raises(ValueError, match=r"'unit'\]` must be None for a data set that does not"):
        with_scale("depth", spec, None)


@pytest.mark.parametrize("changes", [{"unit": "feet"}, {"scale": 0.001}, {"encoding": "log_depth"}])
def test_a_unit_stands_in_place_of_a_scale(changes):
    spec = {"channels": 1, "unit": "metres", **changes}
    with pytest.raises(ValueError, match=r"'unit'\]` must be None or 'metres'"):
        check_specs({"depth": spec})
