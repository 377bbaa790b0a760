import numpy as np
import pytest

from recipes.data import numpy_ops, tensorflow_ops
from recipes.segmentation.augmentation import check_augmentation, draw_geometry
from recipes.segmentation.examples import training_example

BOTH = pytest.mark.parametrize("ops", [numpy_ops, tensorflow_ops], ids=["numpy", "tensorflow"])
MODALITIES = {
    "rgb": {"channels": 2, "interpolation": "bicubic"},
    "depth": {"channels": 1, "interpolation": "nearest", "mirror_channels": (0,)},
}


def coordinates(height, width):
    """An example in which every image holds its own pixels' coordinates.

    Pixel centres are at 0.5, 1.5, ... `rgb` is linear in the coordinates, so that any correct
    interpolation reproduces them away from the border. `depth` holds the column times 10, `label`
    the row.
    """
    rows, columns = np.mgrid[:height, :width].astype("float32")
    return {
        "rgb": np.stack([rows, columns], -1) + np.float32(0.5),
        "depth": (columns[..., None] * 10 + 5).astype("uint16"),
        "label": rows[..., None].astype("uint8"),
    }


def draw(extent, config, uniforms, ops):
    extent, uniforms = np.array(extent, "int32"), np.array(uniforms, "float32")
    return draw_geometry(ops.asarray(extent), config, ops.asarray(uniforms), ops)


@BOTH
@pytest.mark.parametrize(
    ("scale", "shorter_side", "uniform", "expected"),
    [
        ((0.5, 0.5), 0, 0.3, (10, 15)),
        ((0.5, 0.5), 16, 0.3, (16, 24)),
        ((0.8, 0.8), 20, 0.3, (20, 30)),
        ((0.33, 0.33), 0, 0.3, (7, 10)),
        ((0.5, 2.0), 0, 0.5, (25, 38)),
    ],
)
def test_shorter_side_is_a_floor(ops, scale, shorter_side, uniform, expected):
    config = {"size": (60, 60), "scale": scale, "shorter_side": shorter_side}
    geometry = draw((20, 30), config, (uniform, 0, 0, 0), ops)
    assert tuple(np.array(geometry.size)) == expected


def test_without_scale_nothing_is_resized():
    geometry = draw((20, 30), {"size": (8, 40)}, (0.5, 0.5, 0.5, 0.5), numpy_ops)
    assert geometry.size is None
    assert (geometry.window.tolist(), geometry.offset.tolist()) == ([8, 30], [6, 0])


@BOTH
@pytest.mark.parametrize("index", range(8))
def test_all_images_stay_aligned(ops, index):
    config = {
        "modalities": MODALITIES,
        "num_classes": 40,
        "augmentation": {"size": (32, 40), "scale": (0.5, 2.0), "shorter_side": 24, "mirror": 0.5},
    }
    example = {name: ops.asarray(image) for name, image in coordinates(40, 56).items()}
    uniforms = np.random.default_rng(index).random(4, "float32")
    images, label = training_example(example, "a", ops.asarray(uniforms), config, ops)
    row, column = np.moveaxis(np.array(images["rgb"]), -1, 0)
    sign = -1 if uniforms[3] < 0.5 else 1
    depth_column = sign * np.array(images["depth"])[..., 0] / 10
    label_row = np.array(label) + 0.5
    # Where the cubic kernel would reach beyond the window, coordinates are not reproduced.
    inner = (row > 3) & (row < 37) & (column > 3) & (column < 53)
    inner &= np.pad(np.ones((24, 32), bool), 4)
    assert inner.mean() > 0.4
    # The nearest pixel's centre is at most half a source pixel away.
    assert np.abs(depth_column - column)[inner].max() <= 0.501
    assert np.abs(label_row - row)[inner].max() <= 0.501
    assert (np.diff(column[16]) * sign >= 0)[inner[16, 1:]].all()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "`augmentation.size` must be"),
        ({"size": (8, 8), "scale": (2.0, 0.5)}, "low <= high"),
        ({"size": (8, 8), "mirror": 1.5}, "probability"),
        ({"size": (8, 8), "flip": 0.5}, "unknown keys .'flip'."),
    ],
)
def test_unusable_settings(config, message):
    with pytest.raises(ValueError, match=message):
        check_augmentation(config)
