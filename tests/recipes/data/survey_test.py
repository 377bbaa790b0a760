import numpy as np
import pytest

from recipes.data import survey as surveys
from recipes.data.sources import MemorySource
from recipes.data.survey import check_dtype, check_labels, check_values, class_table, survey
from tests.recipes.data.numbered import CountingSource, numbered

RGB = {"channels": 3, "scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.2, 0.2, 0.2)}
DEPTH = {"channels": 1, "scale": 1 / 5000, "invalid": 0}
FLOAT = {"channels": 1, "mean": 2.0}


def images(dtype, channels, low=0, high=None, count=3):
    """Images of random values of an integer dtype, `high` included."""
    high = np.iinfo(dtype).max if high is None else high
    rng = np.random.default_rng(0)
    return rng.integers(low, high, (count, 12, 16, channels), dtype, endpoint=True)


def with_values(array, value, count=40):
    """A copy with `count` pixels of each image set."""
    array = np.array(array)
    array.reshape(len(array), -1, array.shape[-1])[:, :count] = value
    return array


def metres():
    return images("uint16", 1, 500, 9000).astype("float32") / 1000


def check(array, spec, name="image", units_per_metre=None, nodata=None):
    seen = survey(MemorySource({name: array}), (name,))
    check_values(seen.images, {name: spec}, units_per_metre, nodata=nodata)


def labels(*classes):
    """Pixels of each class of masks that hold just these."""
    masks = np.resize(np.array(classes, "uint8"), (2, 5, 6, 1))
    return survey(MemorySource({"label": masks}), ("label",)).labels


@pytest.mark.parametrize("split", ["train", "validation"])
def test_void_in_every_pixel(split):
    message = (
        rf"masks of the split '{split}' must have a class. Received: void \(255\) in every pixel. "
        "255 is void: write the foreground as 1."
    )
    with pytest.raises(ValueError, match=message):
        check_labels(labels(255), split)


@pytest.mark.parametrize("classes", [(0, 255), (1, 255)])
def test_one_class_beside_255(classes):
    message = (
        "'train' must have at least two classes. Received: class "
        rf"{classes[0]} and void alone. 255 is void: write the foreground as 1\."
    )
    with pytest.raises(ValueError, match=message):
        check_labels(labels(*classes), "train")
    check_labels(labels(*classes), "validation")


def test_one_class_alone():
    with pytest.raises(ValueError, match=r"at least two classes. Received: class 3 alone\.$"):
        check_labels(labels(3), "train")
    check_labels(labels(3), "test")


def test_masks_that_can_be_learned_from():
    for classes in ((0, 1), (0, 1, 255), (7, 39), (0, 254)):
        check_labels(labels(*classes), "train")


WRONG = {
    "16-bit colours under an 8-bit scale": (
        images("uint16", 3),
        RGB,
        r"\['scale'\]` must fit uint16 images, whose largest value is 65535: 1/65535",
    ),
    "16-bit colours under 1/256": (
        images("uint16", 3),
        {"channels": 3, "scale": 1 / 256},
        "must fit uint16 images",
    ),
    "8-bit depth in fifths of a millimetre": (
        images("uint8", 1),
        DEPTH,
        r"\['scale'\]` must fit uint8 images.*at most 0.051.*saved with 8 has lost its values",
    ),
    "8-bit depth in millimetres": (
        images("uint8", 1),
        {"channels": 1, "scale": 1e-3, "mean": 2.5, "std": 1.2, "invalid": 0},
        r"must fit uint8 images.*at most 0.255.*Received: scale=0.001",
    ),
    "uint8 encoding of 16 bits": (
        images("uint16", 3),
        {"channels": 3, "encoding": "uint8"},
        r"must not be 'uint8' for uint16 images: use encoding='scaled' and maximum=65535",
    ),
    "a marker of missing depth": (
        with_values(images("uint16", 1, 500, 9000), 65535),
        DEPTH,
        r"\['invalid'\]` must be 65535 if that value means 'not measured': 21 % .*invalid=0",
    ),
    "a marker in depth on a logarithmic scale": (
        with_values(images("uint16", 1, 500, 9000), 65535),
        {"channels": 1, "encoding": "log_depth"},
        r"\['invalid'\]` must be 65535",
    ),
    "constant": (
        np.full((3, 12, 16, 1), 7, "uint16"),
        DEPTH,
        "`image` must not be constant. Received: 7 in every pixel",
    ),
    "black colours": (np.zeros((3, 12, 16, 3), "uint8"), RGB, "must not be constant. Received: 0"),
    "NaN in float depth": (
        with_values(metres(), np.nan),
        FLOAT,
        r"must be finite, or have `invalid` .*--config.modalities.image.invalid=0.*21 % of its",
    ),
    "Inf in float depth": (with_values(metres(), np.inf, 1), FLOAT, "must be finite"),
    "-Inf in float colours": (
        with_values(images("uint8", 3).astype("float32"), -np.inf, 1),
        {"channels": 3},
        "must be finite",
    ),
    "NaN alone": (
        np.full((3, 12, 16, 1), np.nan, "float32"),
        {**FLOAT, "invalid": 0},
        "`image` must have finite values. Received: NaN or Inf in every pixel",
    ),
}


@pytest.mark.parametrize(("array", "spec", "message"), WRONG.values(), ids=WRONG)
def test_values_that_do_not_fit_their_spec(array, spec, message):
    with pytest.raises(ValueError, match=message):
        check(array, spec)


GOOD = {
    "8-bit colours": (images("uint8", 3), RGB),
    "8-bit colours as [-1, 1]": (images("uint8", 3), {"channels": 3, "encoding": "uint8"}),
    "16-bit colours": (images("uint16", 3), {"channels": 3, "scale": 1 / 65535}),
    "saturated 16-bit colours": (
        with_values(images("uint16", 3, 500, 20000), 65535),
        {"channels": 3, "scale": 1 / 65535},
    ),
    "a dark 8-bit sensor": (images("uint8", 1, 0, 9), {"channels": 1, "scale": 1 / 255}),
    "8-bit depth in centimetres": (images("uint8", 1), {"channels": 1, "scale": 0.01}),
    "8 bits of a narrow range": (
        images("uint8", 1),
        {"channels": 1, "scale": 1e-3, "mean": 0.12, "std": 0.07},
    ),
    "depth with holes": (with_values(images("uint16", 1, 500, 9000), 0), DEPTH),
    "depth whose holes are 65535": (
        with_values(images("uint16", 1, 500, 9000), 65535),
        {**DEPTH, "invalid": 65535},
    ),
    "depth whose holes are a sequence": (
        with_values(images("uint16", 1, 500, 9000), 65535),
        {**DEPTH, "invalid": (65535,)},
    ),
    "a range that goes up to 65535": (
        with_values(images("uint16", 1, 20000, 65535), 65535),
        {"channels": 1, "scale": 1e-3},
    ),
    "a clipped scale": (
        with_values(images("uint16", 1, 0, 9000), 65535),
        {"channels": 1, "encoding": "scaled", "maximum": 11355},
    ),
    "Taskonomy's depth": (
        with_values(images("uint16", 1, 500, 9000), 65535),
        {"channels": 1, "encoding": "log_depth", "invalid": 65535},
    ),
    "float depth": (metres(), FLOAT),
    "float depth with NaN for holes": (with_values(metres(), np.nan), {**FLOAT, "invalid": 0}),
    "float depth with Inf for holes": (with_values(metres(), np.inf), {**FLOAT, "invalid": -1}),
}


@pytest.mark.parametrize(("array", "spec"), GOOD.values(), ids=GOOD)
def test_values_that_fit(array, spec):
    check(array, spec)


@pytest.mark.parametrize(
    ("dtype", "invalid"), [("uint8", -1), ("uint8", 256), ("uint16", 65536), ("uint16", 0.5)]
)
def test_a_marker_that_the_images_cannot_hold(dtype, invalid):
    message = rf"\['invalid'\]` must be a value that {dtype} images can hold, 0\.\.\d+. "
    with pytest.raises(ValueError, match=f"{message}Received: invalid={invalid}"):
        check_dtype("depth", dtype, {"channels": 1, "invalid": invalid})
    check_dtype("depth", "float32", {"channels": 1, "invalid": invalid})


@pytest.mark.parametrize(("scale", "fits"), [(1 / 5000, True), (1e-3, False), (1.0, False)])
def test_the_unit_that_the_data_set_names(scale, fits):
    array, spec = images("uint16", 1, 500, 9000), {**DEPTH, "scale": scale}
    if fits:
        check(array, spec, "depth", 5000.0)
    else:
        message = r"\['scale'\]` must be 1/5000, as the data set has 5000 units per metre"
        with pytest.raises(ValueError, match=message):
            check(array, spec, "depth", 5000.0)
    check(array, spec, "depth", None)
    check(array, spec, "thermal", 5000.0)  # no depth


def test_what_was_seen():
    rgb = images("uint8", 3, 10, 200, count=2)
    depth = with_values(images("uint16", 1, 500, 9000, count=2), 65535)
    depth[0, -1, -1] = 65000
    infrared = with_values(metres()[:2], np.nan)
    mask = np.resize(np.array([0, 2, 2, 255], "uint8"), (2, 12, 16, 1))
    source = MemorySource({"rgb": rgb, "depth": depth, "ir": infrared, "label": mask})
    seen = survey(source, ("rgb", "depth", "ir", "label"))
    assert seen.examples == (2, 2) and seen.sizes == [(12, 16)]
    assert seen.labels[[0, 1, 2, 255]].tolist() == [96, 0, 192, 96] and seen.labels.sum() == 384
    assert seen.images["rgb"] == {
        "dtype": "uint8",
        "low": rgb.min(),
        "high": rgb.max(),
        "markers": 0,
        "near": 0,
        "holes": 0,
        "pixels": rgb.size,
    }
    assert (seen.images["depth"]["markers"], seen.images["depth"]["near"]) == (80, 1)
    assert seen.images["ir"]["holes"] == 80
    assert seen.images["ir"]["low"] == np.nanmin(infrared)
    assert survey(source, ("rgb",)).labels is None


def test_a_large_data_set_is_looked_at_all_over(monkeypatch):
    monkeypatch.setattr(surveys, "SAMPLE", 5)
    source = CountingSource(numbered(1000))
    seen = survey(source, ("image",))
    assert sorted(source.read_numbers) == [0, 249, 499, 749, 999]
    assert seen.examples == (5, 1000)
    assert (seen.images["image"]["low"], seen.images["image"]["high"]) == (0, 999)


def test_images_of_different_sizes_are_told():
    sizes = ((4, 6), (8, 6), (4, 6))
    source = MemorySource([{"image": np.zeros((*size, 1), "uint8")} for size in sizes])
    assert survey(source, ("image",)).sizes == [(4, 6), (8, 6)]


def test_the_table_of_classes():
    lines = class_table(labels(0, 1, 1, 1, 255), ["wall", "floor", "door"])
    assert [line.split() for line in lines] == [
        ["0", "wall", "25.00", "%"],
        ["1", "floor", "75.00", "%"],
        ["2", "door", "0.00", "%"],
        ["void:", "20.00", "%", "of", "all", "pixels"],
        ["Without", "a", "pixel:", "door"],
    ]


def test_other_splits_are_named_and_may_be_constant():
    images = {"depth": {**looked_at(np.full((1, 4, 4, 1), 7, "uint16")), "dtype": "uint16"}}
    specs = {"depth": {"channels": 1}}
    with pytest.raises(ValueError, match="must not be constant"):
        check_values(images, specs)
    check_values(images, specs, split="test")
    hole = {"depth": looked_at(np.array([[[[np.nan], [1.0]]]], "float32"))}
    with pytest.raises(ValueError, match="NaN or Inf in 50 % of its values in the split 'test'"):
        check_values(hole, specs, split="test")


def looked_at(images):
    """What a survey sees of one modality."""
    return survey(MemorySource({"depth": images}), ("depth",)).images["depth"]


@pytest.mark.parametrize("value", [-9999.0, float(np.finfo("float32").min)])
def test_a_value_that_files_declare_for_no_data_must_be_invalid(value):
    array = with_values(metres(), value)
    nodata = {"image": value}
    for spec in ({"channels": 1}, {"channels": 1, "invalid": 0}):
        with pytest.raises(ValueError, match=r"must be -.* files declare .*image\.invalid=-"):
            check(array, spec, nodata=nodata)
    check(array, {"channels": 1, "invalid": value}, nodata=nodata)
    check(array, {"channels": 1}, nodata={"other": value})


def test_a_declared_value_that_does_not_occur_does_no_harm():
    check(metres(), {"channels": 1}, nodata={"image": -9999.0})
