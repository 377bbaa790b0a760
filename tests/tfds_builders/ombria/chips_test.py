import numpy as np
import pytest

from tests.tfds_builders.ombria import repository
from tfds_builders.ombria.chips import COMMIT, find_chips, open_repository, read_chip
from tfds_builders.reading import FolderArchive, ZipArchive


def write(folder, contents=None):
    repository.write_folder(folder, contents or repository.files())
    return open_repository(folder)


def test_what_the_repository_may_be(tmp_path):
    contents = repository.files()
    repository.write_folder(tmp_path / "clone", contents)
    repository.write_folder(tmp_path / "a/OMBRIA", contents)
    repository.write_zip(tmp_path / "b", contents)
    repository.write_zip(tmp_path / "c", contents, f"OMBRIA-{COMMIT}")
    found = {}
    for name in ("clone", "a", "b", "c"):
        archive, top = open_repository(tmp_path / name)
        found[name] = type(archive), top
        chips = find_chips(archive, top)
        assert [chip.name for chip in chips["train"]] == repository.IDS["train"]
        assert read_chip(archive, chips["test"][0])["rgb"].shape == (*repository.SIZE, 3)
    assert found == {
        "clone": (FolderArchive, ""),
        "a": (FolderArchive, "OMBRIA/"),
        "b": (ZipArchive, "OMBRIA-master/"),
        "c": (ZipArchive, f"OMBRIA-{COMMIT}/"),
    }
    with pytest.raises(ValueError, match=r"must hold the repository.* git clone https://github"):
        open_repository(tmp_path)


def test_a_zip_of_another_kind(tmp_path):
    contents = {"OmbriaS1/a.png": b"", "OmbriaS2/a.png": b""}
    repository.write_zip(tmp_path, contents)
    (tmp_path / "OMBRIA-master.zip").unlink()
    repository.write_zip(tmp_path, contents, "OMBRIA")
    data = (tmp_path / "OMBRIA.zip").read_bytes()
    (tmp_path / "OMBRIA.zip").write_bytes(data.replace(b"OMBRIA/O", b"OMBRIA_O"))
    with pytest.raises(ValueError, match=r"OMBRIA\.zip: must hold one folder.*OMBRIA_OmbriaS1"):
        open_repository(tmp_path)


def test_splits(tmp_path):
    splits = find_chips(*write(tmp_path))
    assert {s: sorted(c.name for c in chips) for s, chips in splits.items()} == repository.IDS
    chip = next(chip for chip in splits["test"] if chip.name == "2021/ALBANIA/10")
    assert chip.members == {
        "rgb": "2021/ALBANIA/Sentinel2/AFTER/imafter_10.png",
        "sar": "2021/ALBANIA/Sentinel1/AFTER/imafter_10.png",
        "rgb_before": "2021/ALBANIA/Sentinel2/BEFORE/imbefore_10.png",
        "sar_before": "2021/ALBANIA/Sentinel1/BEFORE/imbefore_10.png",
        "label": "2021/ALBANIA/Sentinel2/MASK/gt_10.png",
    }


def test_values(tmp_path):
    archive, top = write(tmp_path)
    for chips in find_chips(archive, top).values():
        for chip in chips:
            expected = repository.arrays(chip.name)
            images = read_chip(archive, chip)
            assert {image.dtype for image in images.values()} == {np.dtype(np.uint8)}
            for name in ("rgb", "sar", "rgb_before", "sar_before"):
                np.testing.assert_array_equal(np.squeeze(images[name]), expected[name])
            label = images["label"][..., 0]
            no_data = np.zeros(repository.SIZE, bool)
            no_data[2:4, 3:7] = True
            np.testing.assert_array_equal(label == 255, no_data)
            np.testing.assert_array_equal(label[~no_data], expected["mask"][~no_data] // 255)


def test_the_mask_is_that_of_sentinel_2_and_junk_is_left_out(tmp_path):
    contents = repository.files()
    for name in list(contents):
        if ("S1/" in name or "Sentinel1/" in name) and "/MASK/" in name:
            del contents[name]
    contents["OmbriaS2/train/AFTER/._S2_after_0001.png"] = b"junk"
    contents["OmbriaS2/train/AFTER/notes.txt"] = b"7"
    assert len(find_chips(*write(tmp_path, contents))["train"]) == 3


@pytest.mark.parametrize(
    ("without", "message"),
    [
        (
            "OmbriaS1/train/BEFORE/S1_before_0003.png",
            "member OmbriaS1/train/BEFORE: there is no image 0003 for 'sar_before'",
        ),
        (
            "2021/GUYANA/Sentinel2/MASK/gt_2.png",
            "member 2021/GUYANA/Sentinel2/MASK: there is no image 2 for 'label'",
        ),
        ("2021/", "member 2021: the split 'test' must have images.* Run `git pull`"),
        ("OmbriaS2/test/", "member OmbriaS2/test/AFTER: there is no image 0013 for 'rgb'"),
    ],
)
def test_what_is_missing_is_named(tmp_path, without, message):
    contents = {k: v for k, v in repository.files().items() if not k.startswith(without)}
    with pytest.raises(ValueError, match=message):
        find_chips(*write(tmp_path, contents))


def test_two_files_of_one_number(tmp_path):
    contents = repository.files()
    contents["OmbriaS1/train/AFTER/copy_0003.png"] = b""
    with pytest.raises(ValueError, match=r"copy_0003\.png: has the number of S1_after_0003\.png"):
        find_chips(*write(tmp_path, contents))


RGB = np.zeros((*repository.SIZE, 3), np.uint8)


@pytest.mark.parametrize(
    ("path", "array", "message"),
    [
        ("OmbriaS2/train/MASK/S2_mask_0001.png", RGB[..., 0] + 1, r"hold 0 .* Received: \[1\]"),
        ("OmbriaS2/train/MASK/S2_mask_0001.png", RGB, "uint8 with 1 channels. Received: uint8 wi"),
        ("OmbriaS1/train/AFTER/S1_after_0001.png", RGB, "must be uint8 with 1 channels"),
        ("OmbriaS1/train/AFTER/S1_after_0001.png", RGB[:4, :, 0], "must be 8x10 .*Received: 4x10"),
        ("OmbriaS2/train/BEFORE/S2_before_0001.png", RGB[..., 0], "must be uint8 with 3 channels"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, path, array, message):
    contents = repository.files()
    contents[path] = repository.png(array)
    archive, top = write(tmp_path, contents)
    with pytest.raises(ValueError, match=f"member {path}: .*{message}"):
        read_chip(archive, find_chips(archive, top)["train"][0])
