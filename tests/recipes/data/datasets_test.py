import json
import os
import pathlib
import shutil

import numpy as np
import PIL.Image
import pytest
import tifffile

from recipes.data.dataset import Facts
from recipes.data.datasets import open_dataset, open_evaluated
from recipes.data.sources import MemorySource
from recipes.data.survey import check_values, survey
from recipes.segmentation.configs import default
from tests.tfds_builders.nyudv2_rgbd import official_files as nyudv2
from tests.tfds_builders.taskonomy import archive
from tfds_builders.rendered_rooms import rendered_rooms_dataset_builder

ROOMS = {"name": "rendered_rooms", "width": 24, "height": 16}
NAMES = ("rgb", "label", "depth")


def settings(tmp_path, **changes):
    """`config.data` of the segmentation recipe with these values."""
    data = default.get_config().data
    with data.ignore_type(), data.unlocked():
        data.update({"data_dir": str(tmp_path / "data"), **changes})
        for key in ("num_examples", "lists"):  # `update` would add to them
            if key in changes:
                data[key] = changes[key]
    return data


def ids(source):
    return [source[number]["id"].item().decode() for number in range(len(source))]


def touch(path):
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))


@pytest.fixture(scope="module")
def rooms(tmp_path_factory):
    """Settings of rooms that were built once."""
    path = tmp_path_factory.mktemp("rooms")
    numbers = {"train": 10, "validation": 2, "test": 1}
    open_dataset(settings(path, **ROOMS, num_examples=numbers))
    return lambda **changes: settings(path, **ROOMS, num_examples=numbers, **changes)


def test_another_program_builds_the_same_meanwhile(tmp_path, monkeypatch, capsys):
    data = settings(tmp_path, **ROOMS, num_examples={"train": 2, "validation": 1, "test": 1})
    builder_class = rendered_rooms_dataset_builder.Builder
    examples = builder_class._split_generators

    def overtaken(builder, *args):
        monkeypatch.setattr(builder_class, "_split_generators", examples)
        open_dataset(data)
        return examples(builder, *args)

    monkeypatch.setattr(builder_class, "_split_generators", overtaken)
    assert len(open_dataset(data).source("train", ("rgb",))) == 2
    assert "built by another program" in capsys.readouterr().out


def test_only_what_is_named_is_decoded(rooms):
    dataset = open_dataset(rooms())
    whole = dataset.source("train")[0]
    part = dataset.source("train", ("rgb", "label"))[0]
    assert set(part) == {"id", "rgb", "label"} and set(part) < set(whole)
    for name in part:
        np.testing.assert_array_equal(part[name], whole[name])
    kept = dataset.source("train", ("rgb",), memory=True)
    assert isinstance(kept, MemorySource) and len(kept) == 10
    np.testing.assert_array_equal(kept[0]["rgb"], whole["rgb"])
    with pytest.raises(ValueError, match=r"`split` must be one of \['test', 'train', 'validation'"):
        dataset.source("testing")


def test_what_is_known_of_the_data(rooms):
    dataset = open_dataset(rooms())
    facts = dataset.facts(NAMES)
    assert facts.name.startswith("rendered_rooms/24x16") and os.path.isdir(facts.path)
    assert facts.channels == {"rgb": 3, "label": 1, "depth": 1}
    assert facts.dtypes == {"rgb": "uint8", "label": "uint8", "depth": "uint16"}
    assert facts.splits == {"train": 10, "validation": 2, "test": 1}
    assert facts.class_names[:2] == tuple(dataset.features["label"].names[:2])
    assert Facts.from_dict(json.loads(json.dumps(facts.to_dict()))) == facts


def test_identity_and_evaluated_split(rooms, tmp_path):
    dataset = open_dataset(rooms())
    assert dataset.evaluated_split == "test"
    identity = dataset.identity
    assert identity == open_dataset(rooms()).identity
    assert identity["name"] == dataset.builder.info.full_name
    assert identity["number_of_training_examples"] == 10
    rebuilt = open_dataset(settings(tmp_path, **ROOMS, num_examples={"train": 10}))
    assert rebuilt.evaluated_split == "train"
    assert rebuilt.identity["fingerprint"] == identity["fingerprint"]
    fewer = open_dataset(settings(tmp_path, **ROOMS, num_examples={"train": 9, "validation": 2}))
    assert fewer.evaluated_split == "validation"
    assert fewer.identity["fingerprint"] != identity["fingerprint"]


@pytest.mark.parametrize(("share", "number"), [(0.3, 3), (0.01, 1), (0.99, 9)])
def test_held_out_examples_are_a_part_of_train(rooms, share, number):
    everything = ids(open_dataset(rooms()).source("train"))
    dataset = open_dataset(rooms(hold_out=share))
    train, held_out = (ids(dataset.source(split)) for split in ("train", "validation"))
    assert len(held_out) == number
    assert not set(train) & set(held_out)
    assert sorted(train + held_out) == sorted(everything)
    assert train == [name for name in everything if name in train]  # in the order of the disk
    assert dataset.identity["number_of_training_examples"] == 10 - number


def test_the_held_out_part_is_always_the_same(rooms):
    first, again = (open_dataset(rooms(hold_out=0.3)) for _ in range(2))
    assert ids(first.source("validation")) == ids(again.source("validation"))
    prints = {
        open_dataset(rooms(hold_out=share)).identity["fingerprint"] for share in (0.0, 0.2, 0.3)
    }
    assert len(prints) == 3


def test_another_split_may_be_reported_on(rooms):
    assert open_dataset(rooms(report_on="validation")).evaluated_split == "validation"
    with pytest.raises(ValueError, match=r"`split` must be one of.*'tset'"):
        open_dataset(rooms(report_on="tset"))


def test_the_data_set_s_own_validation_split_is_then_for_the_report(rooms, tmp_path):
    data = settings(tmp_path, **ROOMS, num_examples={"train": 4, "validation": 2})
    own = ids(open_dataset(data).source("validation"))
    data.hold_out = 0.25
    dataset = open_dataset(data)
    assert dataset.splits == ["test", "train", "validation"]
    assert dataset.evaluated_split == "test" and ids(dataset.source("test")) == own
    assert dataset.stored_split("test") == "validation"
    assert len(dataset.source("validation")) == 1 and len(dataset.source("train")) == 3
    kept = open_dataset(rooms(hold_out=0.25))  # a test split of its own stays
    assert ids(kept.source("test")) == ids(open_dataset(rooms()).source("test"))


def test_one_example_cannot_be_divided(tmp_path):
    data = settings(tmp_path, **ROOMS, num_examples={"train": 1}, hold_out=0.5)
    with pytest.raises(ValueError, match=r"needs at least two training examples.*=0.5, 1 ex"):
        open_dataset(data)


def save(path, seed, dtype="uint8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    channels = (3,) if path.parent.name == "rgb" else ()
    high = 4 if path.parent.name == "label" else 200
    PIL.Image.fromarray(rng.integers(0, high, (6, 8, *channels), dtype)).save(path)


@pytest.fixture
def mine(tmp_path):
    """Settings of a folder of 3 images to train with and 2 to test."""
    root = tmp_path / "mine"
    for split, seeds in {"train": (0, 1, 2), "test": (3, 4)}.items():
        for seed in seeds:
            for name in NAMES:
                dtype = "uint16" if name == "depth" else "uint8"
                save(root / name / f"{seed}.png", seed, dtype)
        lines = ["\t".join(f"{name}/{seed}.png" for name in NAMES) for seed in seeds]
        (root / f"{split}.txt").write_text("\n".join(lines))
    lists = {"train": "train.txt", "validation": "", "test": "test.txt"}
    return settings(tmp_path, name="multimodal_folder", root=str(root), num_classes=4, lists=lists)


@pytest.fixture
def facts(mine):
    """Facts that a run kept when it was trained on the folder."""
    return open_dataset(mine).facts(NAMES)


def built(data):
    """Names of the folders that were built."""
    return sorted(os.listdir(os.path.join(data.data_dir, "multimodal_folder")))


def root(data):
    return pathlib.Path(data.root)


def test_a_list_that_is_only_touched_is_the_same_data_set(mine):
    first = open_dataset(mine)
    touch(root(mine) / "train.txt")
    again = open_dataset(mine)
    assert again.identity == first.identity and len(built(mine)) == 1


@pytest.mark.parametrize("change", ["image", "order", "number"])
def test_a_folder_whose_training_data_changed_has_another_identity(mine, change):
    first = open_dataset(mine).identity
    lines = (root(mine) / "train.txt").read_text().splitlines()
    if change == "image":
        save(root(mine) / "label/1.png", 77)
    elif change == "order":
        (root(mine) / "train.txt").write_text("\n".join(lines[::-1]))
    else:
        (root(mine) / "train.txt").write_text("\n".join(lines[:2]))
    second = open_dataset(mine).identity
    assert second["fingerprint"] != first["fingerprint"] and second["name"] != first["name"]


def test_what_was_built_is_evaluated_without_the_training_images(mine, facts):
    for seed in range(3):
        (root(mine) / f"rgb/{seed}.png").unlink()
    dataset = open_evaluated(mine, facts, "test")
    assert ids(dataset.source("test")) == ["rgb/3.png", "rgb/4.png"]
    assert os.fspath(dataset.builder.data_path) == facts.path
    (root(mine) / "train.txt").unlink()
    assert os.fspath(open_evaluated(mine, facts, "test").builder.data_path) == facts.path


@pytest.mark.parametrize("gone", ["rgb/3.png", "test.txt", "label", "."])
def test_what_was_built_is_evaluated_without_the_images_of_the_split(mine, facts, gone):
    path = root(mine) / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    dataset = open_evaluated(mine, facts, "test")
    assert ids(dataset.source("test")) == ["rgb/3.png", "rgb/4.png"]
    assert len(built(mine)) == 1


def test_a_touched_training_image_builds_nothing_for_the_evaluation(mine, facts):
    touch(root(mine) / "rgb/0.png")
    dataset = open_evaluated(mine, facts, "test")
    assert os.fspath(dataset.builder.data_path) == facts.path and len(built(mine)) == 1
    assert open_evaluated(mine, facts, "train").builder.info.full_name != facts.name


def test_a_changed_image_of_the_split_builds_the_split_alone(mine, facts):
    save(root(mine) / "rgb/3.png", 99)
    for seed in range(3):
        (root(mine) / f"rgb/{seed}.png").unlink()
    dataset = open_evaluated(mine, facts, "test")
    assert dataset.splits == ["test"] and len(built(mine)) == 2
    image = dataset.source("test", ("rgb",))[0]["rgb"]
    np.testing.assert_array_equal(image, np.array(PIL.Image.open(root(mine) / "rgb/3.png")))


def test_a_split_is_built_alone_where_nothing_was_kept(mine, facts):
    shutil.rmtree(facts.path)
    assert open_evaluated(mine, facts, "test").splits == ["test"]
    assert open_evaluated(mine, None, "test").splits == ["test"]


def test_a_split_that_became_another_type_is_not_evaluated(mine, facts):
    for seed in (3, 4):
        save(root(mine) / f"depth/{seed}.png", seed)
    message = "`depth` must be uint16, as the images of the training were.*Received: uint8 in"
    with pytest.raises(ValueError, match=message):
        open_evaluated(mine, facts, "test")


def test_classes_that_are_not_those_of_the_training(mine, facts):
    save(root(mine) / "rgb/3.png", 99)
    mine.num_classes = 5
    with pytest.raises(ValueError, match="classes must be those of the training"):
        open_evaluated(mine, facts, "test")


def test_held_out_examples_are_evaluated_from_what_was_built(rooms):
    data = rooms(hold_out=0.3)
    dataset = open_dataset(data)
    facts = dataset.facts(NAMES)
    found = open_evaluated(data, facts, "validation")
    assert ids(found.source("validation")) == ids(dataset.source("validation"))
    with pytest.raises(ValueError, match="`split` must be one of"):
        open_evaluated(data, facts, "testing")


def test_a_missing_image_is_named_with_its_line(mine):
    (root(mine) / "rgb/1.png").unlink()
    with pytest.raises(ValueError, match=r"train.txt, line 2: .*rgb/1.png: there is no such file"):
        open_dataset(mine)


def test_taskonomy_by_list_files_of_its_folder(tmp_path):
    folder = tmp_path / "taskonomy"
    archive.write(folder, "flat")
    view = archive.VIEWS[1]
    (folder / "train.txt").write_text(f"{{domain}}/{view}_domain_{{domain}}.png")
    data = settings(
        tmp_path,
        name="taskonomy",
        root=str(folder),
        lists={"train": "train.txt", "test": ""},
        columns=("rgb", "depth_euclidean"),
        image_size=archive.SIZE,
    )
    source = open_dataset(data).source("train")
    assert len(source) == 1
    for domain in data.columns:
        expected = archive.array(domain, "allensville", view)
        found = source[0][domain]
        np.testing.assert_array_equal(found, expected.reshape(found.shape))


def test_archives_of_a_registered_data_set(tmp_path):
    (tmp_path / "archives").mkdir()
    nyudv2.write_official(tmp_path / "archives", nyudv2.make_frames())
    data = settings(tmp_path, name="nyudv2_rgbd/13_classes", root=str(tmp_path / "archives"))
    dataset = open_dataset(data)
    assert len(dataset.facts(NAMES).class_names) == 13
    assert dataset.units_per_metre() == 5000
    assert {"rgb", "depth", "label", "id"} <= set(dataset.source("test")[0])


def test_data_sets_that_name_no_unit(rooms):
    assert open_dataset(rooms()).units_per_metre() is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "nyudv3_rgbd"}, r"`config.data.name` must be one of .*'nyudv2_rgbd'.*'nyudv3"),
        ({"name": "multimodal_folder", "root": ""}, "`config.data.root` must be the folder"),
    ],
)
def test_unusable_settings(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        open_dataset(settings(tmp_path, **changes))


def test_bands_of_geotiffs(tmp_path):
    """Radar of two bands, of which one corner has no data, and six bands of 16 bits."""
    folder, rng = tmp_path / "earth", np.random.default_rng(0)
    folder.mkdir()
    radar = rng.normal(-12, 4, (18, 20, 2)).astype("float32")
    radar[:3, :4] = -9999
    optical = rng.integers(0, 10000, (18, 20, 6)).astype("uint16")
    tags = {"radar": [(42113, "s", 0, "-9999", True)], "optical": []}
    for name, image in (("radar", radar), ("optical", optical)):
        options = {"photometric": "minisblack", "planarconfig": "contig", "metadata": None}
        tifffile.imwrite(folder / f"{name}.tif", image, extratags=tags[name], **options)
    (folder / "train.txt").write_text("radar.tif\toptical.tif")
    lists = {"train": "train.txt", "validation": "", "test": ""}
    columns = ("radar", "optical")
    data = settings(
        tmp_path, name="multimodal_folder", root=str(folder), columns=columns, lists=lists
    )
    dataset = open_dataset(data)
    facts = dataset.facts(columns)
    assert facts.channels == {"radar": 2, "optical": 6}
    assert facts.dtypes == {"radar": "float32", "optical": "uint16"}
    source = dataset.source("train", ("radar",))
    assert set(source[0]) == {"id", "radar"} and source.signature["radar"].shape[-1] == 2
    np.testing.assert_array_equal(source[0]["radar"], radar)
    np.testing.assert_array_equal(dataset.source("train", memory=True)[0]["optical"], optical)
    assert dataset.nodata() == {"radar": -9999.0}
    seen = survey(source, ("radar",)).images
    with pytest.raises(
        ValueError, match=r"files declare .* --config.modalities.radar.invalid=-9999"
    ):
        check_values(seen, {"radar": {"channels": 2}}, nodata=dataset.nodata())
    check_values(seen, {"radar": {"channels": 2, "invalid": -9999}}, nodata=dataset.nodata())
