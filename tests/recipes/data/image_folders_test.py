import re

import numpy as np
import PIL.Image
import pytest

from recipes.data.image_folders import list_examples, read_example

SPECS = {"rgb": {"channels": 3}, "depth": {"channels": 1}}
DTYPES = {"rgb": "uint8", "depth": "uint16"}


def save(path, dtype="uint8", channels=3, size=(4, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = size if channels == 1 else (*size, channels)
    array = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)
    PIL.Image.fromarray(array).save(path)
    return array


@pytest.fixture
def folder(tmp_path):
    for name in ("a", "b.left"):
        save(tmp_path / f"rgb/{name}.png")
        save(tmp_path / f"depth/{name}.png", "uint16", 1)
    return tmp_path


def test_files_of_the_same_name_are_an_example(folder):
    found = list_examples(folder, ["rgb", "depth"])
    assert list(found) == ["a", "b.left"]
    assert found["a"] == {"rgb": folder / "rgb/a.png", "depth": folder / "depth/a.png"}
    assert list_examples(folder, ["depth"])["a"] == {"depth": folder / "depth/a.png"}


def test_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    found = list_examples(f"~/{folder.name}", ["rgb"])
    assert found["a"]["rgb"] == folder / "rgb/a.png"


def test_endings_may_differ_between_modalities(folder):
    (folder / "rgb/a.png").unlink()
    save(folder / "rgb/a.jpg")
    assert list_examples(folder, ["rgb", "depth"])["a"]["rgb"] == folder / "rgb/a.jpg"


@pytest.mark.parametrize(
    "name", [".DS_Store", "Thumbs.db", "thumbs.db", "desktop.ini", "._a.png", ".gitkeep"]
)
def test_what_systems_leave_in_folders_is_no_image(folder, name):
    (folder / "rgb" / name).write_bytes(b"something else")
    (folder / "rgb" / "@eaDir").mkdir()
    assert list(list_examples(folder, ["rgb", "depth"])) == ["a", "b.left"]


def test_two_files_of_one_name_would_lose_one(folder):
    save(folder / "rgb/a.jpg")
    message = rf"one file of each name. Received: a.jpg and a.png in {folder}/rgb; rename or remove"
    with pytest.raises(ValueError, match=message):
        list_examples(folder, ["rgb", "depth"])
    assert list(list_examples(folder, ["depth"])) == ["a", "b.left"]


@pytest.mark.parametrize(("lacking", "name"), [("rgb", "a"), ("depth", "b.left")])
def test_an_example_without_one_of_its_modalities(folder, lacking, name):
    (folder / lacking / f"{name}.png").unlink()
    message = rf"{name} \(and 0 more\) not in both 'rgb' and 'depth'"
    with pytest.raises(ValueError, match=message):
        list_examples(folder, ["rgb", "depth"])


def test_folders_that_are_not_there_or_empty(folder):
    with pytest.raises(ValueError, match=r"a folder 'thermal'.*for a subset .* --modalities"):
        list_examples(folder, ["rgb", "thermal"])
    (folder / "thermal").mkdir()
    (folder / "thermal/.DS_Store").touch()
    with pytest.raises(ValueError, match=rf"must hold images. Received: {folder}/thermal, empty"):
        list_examples(folder, ["thermal"])


def read(folder, dtypes=DTYPES):
    return read_example("a", list_examples(folder, ["rgb", "depth"])["a"], SPECS, dtypes)


def test_an_example_as_it_is_stored(folder):
    rgb = save(folder / "rgb/a.png")
    depth = save(folder / "depth/a.png", "uint16", 1)
    images = read(folder)
    np.testing.assert_array_equal(images["rgb"], rgb)
    np.testing.assert_array_equal(images["depth"], depth[..., None])
    assert images["depth"].dtype == "uint16"
    assert list(read(folder, None)) == ["rgb", "depth"]


def test_another_dtype_than_that_of_the_training(folder):
    save(folder / "depth/a.png", "uint8", 1)
    message = (
        f"{folder}/depth/a.png must be uint16, as the images of the training were: .*"
        "Received: uint8; save it as uint16 in the unit of the training"
    )
    with pytest.raises(ValueError, match=message):
        read(folder)
    assert read(folder, None)["depth"].dtype == "uint8"


def test_another_number_of_channels(folder):
    save(folder / "rgb/a.png", channels=1)
    with pytest.raises(ValueError, match=r"rgb/a.png must have 3 channel\(s\). Received: 1"):
        read(folder)


def test_other_sizes(folder):
    save(folder / "depth/a.png", "uint16", 1, (5, 6))
    sizes = re.escape("{'rgb': (4, 6), 'depth': (5, 6)}")
    with pytest.raises(ValueError, match=rf"Example 'a': .*one height and width.*{sizes}"):
        read(folder)


def test_what_is_no_image_is_named(folder):
    (folder / "rgb/a.png").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ValueError, match=r"rgb/a.png: .*LFS"):
        read(folder)


def test_modalities_are_resized_as_in_training(tmp_path):
    files = {}
    for name, size in (("rgb", (8, 12)), ("thermal", (4, 6))):
        files[name] = tmp_path / f"{name}.png"
        shape = (*size, 3) if name == "rgb" else size
        values = np.arange(np.prod(shape)).reshape(shape).astype("uint8")
        PIL.Image.fromarray(values).save(files[name])
    specs = {"rgb": {"channels": 3}, "thermal": {"channels": 1}}
    with pytest.raises(ValueError, match="must have one height and width"):
        read_example("a", files, specs)
    images = read_example("a", files, specs, resized=("thermal", "label"))
    assert images["thermal"].shape == (8, 12, 1)
    np.testing.assert_array_equal(images["thermal"][::2, ::2, 0], np.arange(24).reshape(4, 6))
    alone = read_example("a", {"thermal": files["thermal"]}, specs, resized=("thermal",))
    assert alone["thermal"].shape == (4, 6, 1)
