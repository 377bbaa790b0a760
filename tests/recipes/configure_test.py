"""From a folder to a config that its task opens."""

import re

import numpy as np
import PIL.Image
import pytest

from recipes import config as configs
from recipes.configure.__main__ import main
from recipes.configure.labels import labels_of
from recipes.configure.moments import Moments
from recipes.configure.write import training_length
from recipes.segmentation.task import Segmentation
from tests.tfds_builders.validate.faulty_folders import FAULTS, make_folder


def fault(name):
    return next(fault for fault in FAULTS if fault.name == name)


def configured(folder, capsys, *arguments):
    """The config that is written for a folder, what was said, and the exit status."""
    output = folder.parent / "config"
    status = main([str(folder), f"--output={output}", *arguments])
    said = capsys.readouterr().out
    assert {"config.py", "train.txt", "validation.txt", "contact_sheet.png"} <= {
        path.name for path in output.iterdir()
    }
    return configs.load(str(output / "config.py"), Segmentation.configs()), said, status


def opened(config, tmp_path):
    """The data set of a config, checked as before a training."""
    with config.unlocked():
        config.data.data_dir = str(tmp_path / "data")
    task = Segmentation(config)
    task.check()
    dataset = task.open()
    task.survey(dataset)
    return task, dataset


def test_rooms_with_depth_in_millimetres(tmp_path, capsys):
    make_folder(tmp_path / "a folder", 0, kind="rooms", count=12)
    config, said, status = configured(tmp_path / "a folder", capsys)
    assert status == 0
    assert config.data.columns == ("rgb", "label", "depth")
    assert config.inputs == ("rgb", "depth")
    depth = config.modalities.depth
    assert depth.scale == 1 / 1000 and depth.invalid == 0 and depth.interpolation == "nearest"
    assert 1 < depth.mean < 4 and 0.3 < depth.std < 2
    assert len(config.modalities.rgb.mean) == 3 and config.modalities.rgb.scale == 1 / 255
    assert re.search(r"rgb +rgb, uint8 x 3, 72x96", said) and "9 train, 3 validation" in said
    assert "keras-asym train segmentation --config=" in said
    task, dataset = opened(config, tmp_path)
    assert task.facts.dtypes["depth"] == "uint16"
    assert len(dataset.source("train", task.image_names)) == 9


def test_black_regions_of_colour_images_are_asked_about(tmp_path, capsys):
    make_folder(tmp_path / "data", 0, kind="rooms", count=12)
    _, said, _ = configured(tmp_path / "data", capsys)
    assert "no data" not in said
    for path in sorted((tmp_path / "data").rglob("*.png")):
        if "rgb" in path.parts:
            image = np.array(PIL.Image.open(path))
            image[:10, :20] = 0
            PIL.Image.fromarray(image).save(path)
    _, said, _ = configured(tmp_path / "data", capsys)
    assert re.search('black means "no data" in `rgb`: 12 images', said)


def test_labels_whose_0_is_void_are_read_as_such(tmp_path, capsys):
    make_folder(tmp_path / "street", 3, fault("labels_start_at_1"), "streets", 12)
    config, said, status = configured(tmp_path / "street", capsys)
    assert status == 1 and "[labels_start_at_1]" in said
    assert config.data.num_classes == 5 and config.data.label_values == (1, 2, 3, 4, 5)
    assert config.data.void_values == (0,)
    assert config.modalities.thermal.scale == 0.01 and config.modalities.thermal.mean > 250
    assert "start at 1" in said
    task, dataset = opened(config, tmp_path)
    values = set()
    for example in dataset.source("train", task.image_names).dataset().as_numpy_iterator():
        values |= set(np.unique(example["label"]))
    assert values == {0, 1, 2, 3, 4, 255}


def test_a_folder_without_masks_gets_a_config_of_translation(tmp_path, capsys):
    for number in range(6):
        rng = np.random.default_rng(number)
        for name in ("t1", "flair"):
            path = tmp_path / f"mri/{name}/{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            PIL.Image.fromarray(rng.integers(0, 256, (64, 64), np.uint8)).save(path)
    assert main([str(tmp_path / "mri"), f"--output={tmp_path / 'out'}"]) == 0
    assert "keras-asym train image_translation" in capsys.readouterr().out
    config = configs.load(str(tmp_path / "out/config.py"), Segmentation.configs())
    assert {*config.inputs, config.target} == {"t1", "flair"}


def test_masks_that_cannot_be_read_are_named_and_no_config_is_written(tmp_path, capsys):
    make_folder(tmp_path / "a", 0, fault("palette_mask"), "heads", 8)
    assert main([str(tmp_path / "a"), f"--output={tmp_path / 'b'}"]) == 1
    out, err = capsys.readouterr()
    assert "[palette_mask] 8 masks hold colours" in out
    assert "the masks must be readable" in err and not (tmp_path / "b").exists()


def test_one_sensor_alone_is_an_error(tmp_path, capsys):
    (tmp_path / "a").mkdir()
    for number in range(4):
        image = np.random.default_rng(number).integers(0, 256, (32, 32, 3), np.uint8)
        PIL.Image.fromarray(image).save(tmp_path / f"a/{number}.png")
    assert main([str(tmp_path / "a"), f"--output={tmp_path / 'b'}"]) == 1
    assert "`FOLDER` must hold masks, or two sensors" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({0: 9, 1: 9, 255: 1}, (2, (), ())),
        ({0: 9, 255: 9}, (2, (0, 255), ())),
        ({1: 9, 2: 9, 3: 9, 255: 1}, (3, (1, 2, 3), (0,))),
        ({0: 9, 3: 9, 39: 9}, (40, (), ())),
        ({0: 9, 76: 9, 150: 9, 226: 9}, (4, (0, 76, 150, 226), ())),
        ({255: 9}, (0, (), ())),
    ],
)
def test_classes_and_void_by_the_values(values, expected):
    counts = np.zeros(256, int)
    counts[list(values)] = list(values.values())
    found = labels_of(counts)
    assert (found.num_classes, found.label_values, found.void_values) == expected


def test_the_rarest_class_without_void():
    counts = np.zeros(256, int)
    counts[[0, 1, 255]] = 97, 3, 900
    assert labels_of(counts).rarest == 0.03
    counts[[0, 1, 255]] = 97, 0, 3  # 255 is the second class
    assert labels_of(counts).rarest == 0.03


def test_a_rare_foreground_gets_a_dice_loss(tmp_path, capsys):
    make_folder(tmp_path / "data", 0, kind="rooms", count=12)
    for path in (tmp_path / "data").rglob("*.png"):
        if "label" in path.as_posix() or "mask" in path.as_posix():
            mask = np.zeros_like(np.array(PIL.Image.open(path)))
            mask[:8, :8] = 1
            PIL.Image.fromarray(mask).save(path)
    config, _, _ = configured(tmp_path / "data", capsys)
    assert config.data.num_classes == 2 and config.loss.dice_weight == 1.0


def test_void_that_is_0():
    counts = np.bincount([0, 1, 2, 3], minlength=256)
    found = labels_of(counts, void_is_0=True)
    assert (found.num_classes, found.label_values, found.void_values) == (3, (1, 2, 3), (0,))


@pytest.mark.parametrize(
    ("values", "hole", "is_depth"),
    [
        ([[0, 0, 28000, 29000, 30000]], 0.0, False),
        ([[-9999.0, -20.0, -11.0, -8.0]], -9999.0, False),
        ([[np.nan, 1.0, 2.0]], 0.0, False),
        ([[65535, 65535, 900, 2000]], 65535.0, True),
        ([[0, 1, 2, 3, 400]], None, False),
    ],
)
def test_the_value_of_holes_lies_apart(values, hole, is_depth):
    dtype = np.float32 if np.asarray(values).dtype.kind == "f" else np.uint16
    moments = Moments()
    moments.add(np.repeat(np.array(values, dtype), 50, 0)[..., None])
    assert moments.hole(is_depth) == hole


@pytest.mark.parametrize(
    ("examples", "sensors", "expected"),
    [(400, 2, (10, 2)), (400, 1, (10, 2)), (400, 4, (5, 1)), (5, 2, (60, 12)), (9000, 2, (1, 1))],
)
def test_more_sensors_do_not_make_a_first_training_longer(examples, sensors, expected):
    assert training_length(examples, 8, 500, sensors) == expected
