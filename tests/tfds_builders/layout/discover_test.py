import numpy as np
import PIL.Image
import pytest
import tifffile

from tfds_builders.layout import discover
from tfds_builders.multimodal_folder.image_file import read_image_file
from tfds_builders.multimodal_folder.part import split_name

SIZE = (20, 24)


def write(path, kind, number=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(number)
    if kind == "label":
        image = np.repeat(rng.integers(0, 3, (20, 1)), 24, 1).astype(np.uint8)
    elif kind == "depth":
        image = (np.linspace(4000, 1000, 20)[:, None] + np.arange(24)).astype(np.uint16)
    elif kind == "gray":
        image = rng.integers(0, 256, SIZE, np.uint8)
    else:
        image = rng.integers(0, 256, (*SIZE, 3), np.uint8)
    PIL.Image.fromarray(image).save(path)


LAYOUTS = {
    "folders by sensor": lambda n: {
        "rgb": f"rgb/{n:04}.png", "label": f"masks/{n:04}.png", "depth": f"depth/{n:04}.png",
    },
    "sensors first in names": lambda n: {
        "rgb": f"rgb_{n:04}.png", "label": f"mask_{n:04}.png", "depth": f"depth_{n:04}.png",
    },
    "sensors last in names": lambda n: {
        "rgb": f"{n:04}_rgb.jpg", "label": f"{n:04}_seg.png", "depth": f"{n:04}_depth.png",
    },
    "folders by scene": lambda n: {
        "rgb": f"scene{n}/color.png", "label": f"scene{n}/label.png", "depth": f"scene{n}/d.png",
    },
    "other names in each folder": lambda n: {
        "rgb": f"images/img_{n}.png", "label": f"gt/gt_{n}.png", "depth": f"depth/frame-{n}.png",
    },
    "sequences": lambda n: {
        "rgb": f"seq{n % 4}/{n:03}-color.png", "label": f"seq{n % 4}/{n:03}-label.png",
        "depth": f"seq{n % 4}/{n:03}-depth.png",
    },
    "names that say nothing": lambda n: {
        "rgb": f"a/{n:04}.png", "label": f"b/{n:04}.png", "depth": f"c/{n:04}.png",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_sensors_and_pairs_of_usual_layouts(tmp_path, name):
    wanted = [LAYOUTS[name](n) for n in range(12)]
    for number, row in enumerate(wanted):
        for kind, path in row.items():
            write(tmp_path / path, kind, number)
    found = discover(tmp_path)
    assert set(found.columns) == {"rgb", "label", "depth"}
    assert found.kinds == {kind: kind for kind in ("rgb", "label", "depth")}
    rows = [row for of in found.splits.values() for row in of]
    assert sorted(map(str, (dict(sorted(r.items())) for r in rows))) == sorted(
        map(str, (dict(sorted(r.items())) for r in wanted))
    )
    assert set(found.splits) == {"train", "validation"}
    if name == "sequences":
        split = {row["rgb"][:4]: of for of, rows in found.splits.items() for row in rows}
        assert len({(row["rgb"][:4], of) for of, rows in found.splits.items() for row in rows}) == 4
        assert set(split.values()) == {"train", "validation"}
    assert any("the split" in doubt for doubt in found.doubts)
    assert discover(tmp_path) == found


@pytest.mark.parametrize("pattern", ["{s}/rgb/{n}.png", "rgb/{s}/{n}.png", "rgb/{s}_{n}.png"])
def test_splits_of_folders_and_names(tmp_path, pattern):
    for split, numbers in {"train": range(6), "val": range(6, 9), "test": range(9, 11)}.items():
        for number in numbers:
            for kind, folder in (("rgb", "rgb"), ("label", "mask")):
                path = pattern.replace("rgb", folder).format(s=split, n=number)
                write(tmp_path / path, kind, number)
    found = discover(tmp_path)
    sizes = {split: len(rows) for split, rows in found.splits.items()}
    assert sizes == {"train": 6, "validation": 3, "test": 2}
    assert found.doubts == []


@pytest.mark.parametrize("form", ["stem", "name", "path", "pair", "csv"])
def test_list_files_in_several_forms(tmp_path, form):
    for number in range(6):
        write(tmp_path / f"rgb/a{number}.png", "rgb", number)
        write(tmp_path / f"mask/a{number}.png", "label", number)
    line = {
        "stem": "a{0}", "name": "a{0}.png", "path": "rgb/a{0}.png",
        "pair": "rgb/a{0}.png\tmask/a{0}.png", "csv": "rgb/a{0}.png,mask/a{0}.png",
    }[form]  # fmt: skip
    head = ["image,mask"] if form == "csv" else []
    ending = "csv" if form == "csv" else "txt"
    for split, numbers in (("train", (5, 0, 3)), ("val", (1,))):
        text = "\r\n".join([*head, *(line.format(n) for n in numbers)])
        (tmp_path / f"{split}.{ending}").write_text(text)
    (tmp_path / "README.txt").write_text("a1\n")
    found = discover(tmp_path)
    rows = {split: sorted(row["rgb"] for row in of) for split, of in found.splits.items()}
    assert rows == {"train": [f"rgb/a{n}.png" for n in (0, 3, 5)], "validation": ["rgb/a1.png"]}
    assert all(row["label"] == row["rgb"].replace("rgb", "mask") for row in found.splits["train"])


def test_files_without_a_partner_are_said(tmp_path):
    for number in range(8):
        write(tmp_path / f"rgb/{number}.png", "rgb", number)
        if number != 3:
            write(tmp_path / f"mask/{number}.png", "label", number)
    found = discover(tmp_path)
    assert sum(map(len, found.splits.values())) == 7
    assert any("1 of 15 images have no partner" in doubt for doubt in found.doubts)


def test_disparity_and_hha_that_are_called_so_are_no_depth(tmp_path):
    for number in range(6):
        for folder, kind in (("rgb", "rgb"), ("gt", "label"), ("disp", "depth"), ("hha", "rgb")):
            write(tmp_path / folder / f"{number}.png", kind, number)
    found = discover(tmp_path)
    assert found.kinds == {"rgb": "rgb", "label": "label", "disp": "disparity", "hha": "hha"}


def test_a_sensor_with_few_files_is_left_out_and_said(tmp_path):
    for number in range(8):
        write(tmp_path / f"rgb/{number}.png", "rgb", number)
        write(tmp_path / f"mask/{number}.png", "label", number)
    write(tmp_path / "depth/3.png", "depth")
    found = discover(tmp_path)
    assert found.columns == ("rgb", "label")
    assert any(
        "sensor depth is left out: it has 1 images where others have 8" in d for d in found.doubts
    )


def test_files_that_only_their_order_pairs_are_a_doubt(tmp_path):
    for number in range(6):
        write(tmp_path / f"rgb/{1000 + 7 * number}.png", "rgb", number)
        write(tmp_path / f"mask/{number}.png", "label", number)
    found = discover(tmp_path)
    assert found.splits["train"][0] == {"rgb": "rgb/1000.png", "label": "mask/0.png"}
    assert any("their order was taken" in doubt for doubt in found.doubts)


def stack(path, arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tifffile.TiffWriter(path) as file:
        for array in arrays:
            file.write(array, photometric="rgb" if array.ndim == 3 else "minisblack")


def pixels(root, name, is_label=False):
    path, part = split_name(name)
    return read_image_file(root / path, is_label, part)


def test_pages_are_sensors_of_one_view(tmp_path):
    rng = np.random.default_rng(0)
    views = []
    for number in range(6):
        label = np.repeat(rng.integers(0, 3, (20, 1)), 24, 1).astype(np.uint8)
        rgb = rng.integers(0, 256, (*SIZE, 3), np.uint8)
        depth = (np.linspace(4000, 1000, 20)[:, None] + np.arange(24)).astype(np.uint16)
        views.append((rgb, label, depth))
        stack(tmp_path / f"{number}.tif", views[-1])
    found = discover(tmp_path)
    assert found.columns == ("rgb", "label", "depth")
    row = found.splits["train"][0]
    number = int(row["rgb"][0])
    for column, wanted in zip(("rgb", "label", "depth"), views[number], strict=True):
        got = pixels(tmp_path, row[column], column == "label")
        np.testing.assert_array_equal(got, wanted.reshape(got.shape))


def test_pages_of_a_stack_for_each_sensor_are_examples(tmp_path):
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 256, (9, *SIZE), np.uint8)
    label = np.repeat(rng.integers(0, 3, (9, 20, 1)), 24, 2).astype(np.uint8)
    stack(tmp_path / "thermal.tif", gray)
    stack(tmp_path / "mask.tif", label)
    found = discover(tmp_path)
    assert sum(map(len, found.splits.values())) == 9
    row = found.splits["train"][2]
    number = int(row["label"].partition("page=")[2])
    np.testing.assert_array_equal(pixels(tmp_path, row["label"], True)[..., 0], label[number])
    np.testing.assert_array_equal(pixels(tmp_path, row["thermal"])[..., 0], gray[number])


def test_bands_of_one_scene_become_sensors_and_tiles(tmp_path):
    rng = np.random.default_rng(0)
    optical = rng.integers(900, 1100, (512, 768, 3)).astype(np.float32)
    radar = rng.normal(-15, 2, (512, 768, 2)).astype(np.float32)
    label = np.repeat(np.repeat(rng.integers(0, 3, (8, 12)), 64, 0), 64, 1).astype(np.float32)
    scene = np.concatenate([optical, radar, label[..., None]], -1)
    tifffile.imwrite(tmp_path / "scene.tif", scene, photometric="minisblack", planarconfig="contig")
    found = discover(tmp_path)
    assert sum(map(len, found.splits.values())) == 6
    assert "label" in found.columns and len(found.columns) == 3
    row = found.splits["train"][0]
    top, left, *_ = map(int, row["label"].partition("window=")[2].split(","))
    window = np.s_[top : top + 256, left : left + 256]
    np.testing.assert_array_equal(pixels(tmp_path, row["bands0"]), optical[window])
    np.testing.assert_array_equal(pixels(tmp_path, row["bands3"]), radar[window])
    np.testing.assert_array_equal(pixels(tmp_path, row["label"], True)[..., 0], label[window])


def test_volumes_become_slices_and_patients_stay_together(tmp_path):
    import nibabel

    rng = np.random.default_rng(0)
    for patient in range(4):
        for sensor in ("t1", "flair", "mask"):
            volume = np.zeros((16, 20, 6), np.int16)
            volume[2:-2, 2:-2, 1:-1] = rng.integers(1, 3 if sensor == "mask" else 900)
            if sensor != "mask":
                volume[4:8] = rng.integers(1, 900, (4, 20, 6))
            name = tmp_path / f"p{patient:02}_{sensor}.nii.gz"
            nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), name)
    found = discover(tmp_path)
    assert set(found.columns) == {"t1", "flair", "label"}
    patients = {s: {row["t1"][:3] for row in of} for s, of in found.splits.items()}
    assert not patients["train"] & patients["validation"]
    row = found.splits["train"][0]
    assert pixels(tmp_path, row["label"], True).dtype == np.uint8


def test_a_folder_without_images_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"must hold images .*Received: .* with none"):
        discover(tmp_path)
    with pytest.raises(ValueError, match="must be a folder"):
        discover(tmp_path / "nowhere")
