import pickle
import re

import nibabel
import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds
import tifffile

from tfds_builders.multimodal_folder import MultimodalFolder, MultimodalFolderConfig

NUM_CLASSES = 5


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, array)
    else:
        PIL.Image.fromarray(array).save(path)


@pytest.fixture
def folder(tmp_path):
    """Three frames in the papers' format; the second is larger, its depth larger than its mask."""
    root, rng = tmp_path / "rooms", np.random.default_rng(0)
    lines = []
    for i, (size, depth_size) in enumerate(
        [((6, 8), (6, 8)), ((39, 78), (40, 80)), ((6, 8), (6, 8))]
    ):
        paths = [f"{kind}/{i:06d}.png" for kind in ("rgb", "masks", "depth")]
        write(root / paths[0], rng.integers(0, 256, (*size, 3), np.uint8))
        label = rng.integers(0, NUM_CLASSES, size, np.uint8)
        label[0, 0] = 255
        write(root / paths[1], label)
        write(root / paths[2], rng.integers(0, 65536, depth_size, np.uint16))
        lines.append("\t".join(paths))
    (root / "train.txt").write_text("\n".join(lines[:2]))
    (root / "test.txt").write_text(lines[2] + "\n")
    return root


def builder_for(folder, **kwargs):
    arguments = {
        "root": folder,
        "lists": {"train": "train.txt", "test": "test.txt"},
        "num_classes": NUM_CLASSES,
        "data_dir": folder.parent / "data",
    }
    return MultimodalFolder(**{**arguments, **kwargs})


def read(path):
    array = np.array(PIL.Image.open(path))
    return array if array.ndim == 3 else array[..., None]


def by_id(examples):
    return {e["id"].decode() if isinstance(e["id"], bytes) else str(e["id"]): e for e in examples}


def check_first(example, folder):
    for column, name in (("rgb", "rgb"), ("label", "masks"), ("depth", "depth")):
        expected = read(folder / name / "000000.png")
        assert example[column].dtype == expected.dtype
        np.testing.assert_array_equal(example[column], expected)


@pytest.mark.parametrize("file_format", ["tfrecord", "parquet"])
def test_arrays_are_those_of_the_files(folder, file_format):
    builder = builder_for(folder, file_format=file_format)
    builder.download_and_prepare()
    readers = [lambda split: tfds.as_numpy(builder.as_dataset(split=split))]
    if file_format == "parquet":
        readers.append(lambda split: builder.as_data_source(split=split))
    for reader in readers:
        train = by_id(reader("train"))
        assert sorted(train) == ["rgb/000000.png", "rgb/000001.png"]
        assert set(train["rgb/000000.png"]) == {"id", "rgb", "label", "depth"}
        check_first(train["rgb/000000.png"], folder)
        # Centre-cropped to its mask.
        second = train["rgb/000001.png"]
        np.testing.assert_array_equal(
            second["depth"], read(folder / "depth/000001.png")[0:39, 1:79]
        )
        assert second["depth"].shape == second["label"].shape == (39, 78, 1)
        assert sorted(by_id(reader("test"))) == ["rgb/000002.png"]


def test_palette_masks_float_depth_and_class_names(folder):
    indices = np.arange(48, dtype=np.uint8).reshape(6, 8) % NUM_CLASSES
    mask = PIL.Image.new("P", (8, 6))
    mask.putdata(indices.ravel().tolist())
    mask.putpalette(np.random.default_rng(1).integers(0, 256, 768, np.uint8).tobytes())
    mask.save(folder / "masks/000000.png")
    depth = np.linspace(0.5, 3, 48, dtype=np.float32).reshape(6, 8)
    write(folder / "depth/000000.npy", depth)
    (folder / "one.txt").write_text("rgb/000000.png\tmasks/000000.png\tdepth/000000.npy")
    names = ["wall", "floor", "door", "bed", "lamp"]
    builder = builder_for(folder, lists={"train": "one.txt"}, num_classes=None, class_names=names)
    builder.download_and_prepare()
    (example,) = tfds.as_numpy(builder.as_dataset(split="train"))
    np.testing.assert_array_equal(example["label"][..., 0], indices)
    np.testing.assert_array_equal(example["depth"][..., 0], depth)
    assert example["depth"].dtype == np.float32
    again = tfds.builder_from_directory(builder.data_dir)
    assert again.info.features["label"].names == names


@pytest.mark.parametrize("columns", [("thermal",), ("rgb", "infrared", "depth", "normal")])
def test_any_modalities_without_labels(folder, columns):
    line = "\t".join(["rgb/000000.png"] * len(columns))
    (folder / "predict.txt").write_text(line)
    builder = builder_for(
        folder, lists={"predict": "predict.txt"}, columns=columns, num_classes=None
    )
    builder.download_and_prepare()
    (example,) = tfds.as_numpy(builder.as_dataset(split="predict"))
    assert set(example) == {"id", *columns}


def test_crop_to_a_column_without_labels(folder):
    (folder / "predict.txt").write_text("rgb/000001.png\tdepth/000001.png")
    arguments = {"lists": {"predict": "predict.txt"}, "columns": ("rgb", "depth")}
    with pytest.raises(
        ValueError, match=r"predict\.txt, line 1: .*one size.*rgb 39x78, depth 40x80"
    ):
        builder_for(folder, **arguments)
    builder = builder_for(folder, **arguments, crop_to="rgb")
    builder.download_and_prepare()
    (example,) = tfds.as_numpy(builder.as_dataset(split="predict"))
    assert example["depth"].shape == (39, 78, 1)


def test_registered_and_pickled(folder):
    import tfds_builders  # noqa: F401

    builder = tfds.builder(
        "multimodal_folder",
        root=folder,
        lists={"train": "train.txt"},
        num_classes=NUM_CLASSES,
        data_dir=folder.parent / "data",
    )
    copy = pickle.loads(pickle.dumps(builder))
    assert copy.info.full_name == builder.info.full_name
    assert builder.info.full_name.startswith("multimodal_folder/rooms-")


def test_config_or_arguments(folder):
    config = MultimodalFolderConfig(folder, {"train": "train.txt"}, num_classes=NUM_CLASSES)
    builder = MultimodalFolder(config=config, data_dir=folder.parent / "data")
    assert builder.builder_config.name == config.name
    with pytest.raises(ValueError, match="`config` must be given alone"):
        MultimodalFolder(config=config, root=folder)
    with pytest.raises(ValueError, match="`root` and `lists` must be given"):
        MultimodalFolder()
    with pytest.raises(ValueError, match="`root` and `lists` must be given"):
        tfds.builder("multimodal_folder")


def break_missing(folder):
    (folder / "depth/000001.png").unlink()
    return r"depth/000001\.png: there is no such file"


def break_truncated(folder):
    path = folder / "depth/000001.png"
    path.write_bytes(path.read_bytes()[:200])
    return r"depth/000001\.png: cannot be read"


def break_no_image(folder):
    (folder / "rgb/000001.png").write_text("<html>")
    return r"rgb/000001\.png: cannot be read"


def break_size(folder):
    write(folder / "depth/000001.png", np.zeros((9, 11), np.uint16))
    return r"rgb/000001\.png, masks/000001\.png, depth/000001\.png: .*depth 9x11"


def break_label(folder):
    label = np.zeros((39, 78), np.uint8)
    label[:2, :3] = NUM_CLASSES
    write(folder / "masks/000001.png", label)
    return rf"masks/000001\.png: labels must be in 0\.\.4.*{NUM_CLASSES} \(6 pixels\)"


def break_type(folder):
    write(folder / "depth/000001.png", np.zeros((40, 80), np.uint8))
    return r"depth/000001\.png: all images of column 'depth' must have one type.*uint8.*uint16"


def break_channels(folder):
    write(folder / "rgb/000001.png", np.zeros((39, 78, 4), np.uint8))
    return r"rgb/000001\.png: all images of column 'rgb' must have one type.*4 channels.*3 channels"


def break_columns(folder):
    (folder / "train.txt").write_text(
        "rgb/000000.png\tmasks/000000.png\tdepth/000000.png\nrgb\tmask"
    )
    return "there must be 3 tab-separated columns"


def break_path(folder):
    text = (folder / "train.txt").read_text()
    (folder / "train.txt").write_text(text.replace("rgb/000001", "../rgb/000001"))
    return "paths must be relative and stay inside the folder"


def break_link(folder):
    (folder.parent / "secret.png").write_bytes((folder / "rgb/000001.png").read_bytes())
    (folder / "rgb/000001.png").unlink()
    (folder / "rgb/000001.png").symlink_to(folder.parent / "secret.png")
    return r"rgb/000001\.png: the symbolic link .* leads to .*secret\.png, out of the folder"


def break_pointer(folder):
    (folder / "depth/000001.png").write_text("version https://git-lfs.github.com/spec/v1\n")
    return r"depth/000001\.png: cannot be read: it is a Git LFS pointer"


BREAKS = [
    break_link,
    break_pointer,
    break_missing,
    break_truncated,
    break_no_image,
    break_size,
    break_label,
    break_type,
    break_channels,
    break_columns,
    break_path,
]


@pytest.mark.parametrize("damage", BREAKS)
def test_damage_is_named_and_leaves_no_data_set(folder, damage):
    lists = folder.parent / "data" / "multimodal_folder"
    message = re.escape(str(folder / "train.txt")) + ", line 2: .*" + damage(folder)
    for _ in range(2):  # the second run must not take the rest of the first for complete
        with pytest.raises(ValueError, match=message):
            builder_for(folder).download_and_prepare()
        assert not list(lists.rglob("*.json")) and not list(lists.rglob("*.tfrecord*"))


def test_missing_files_are_found_before_anything_is_decoded(folder):
    break_truncated(folder)
    (folder / "rgb/000002.png").unlink()
    with pytest.raises(ValueError, match=r"test\.txt, line 1: .*rgb/000002\.png: there is no such"):
        builder_for(folder).download_and_prepare()


def test_holes_of_a_float_depth_are_stored(folder):
    depth = np.ones((6, 8), np.float32)
    depth[0, 1:4] = (np.nan, np.inf, 0)
    write(folder / "depth/a.npy", depth)
    (folder / "train.txt").write_text("rgb/000000.png\tmasks/000000.png\tdepth/a.npy")
    builder = builder_for(folder, lists={"train": "train.txt"})
    builder.download_and_prepare()
    (example,) = tfds.as_numpy(builder.as_dataset(split="train"))
    np.testing.assert_array_equal(example["depth"][..., 0], depth)


def test_stamps_are_kept_with_the_data(folder):
    builder = builder_for(folder)
    builder.download_and_prepare()
    stamps = builder.builder_config.stamps
    assert set(stamps) == {"train", "test"}
    kept = tfds.builder_from_directory(builder.data_dir).info.metadata["stamps"]
    assert kept == stamps
    write(folder / "rgb/000002.png", np.zeros((6, 8, 3), np.uint8))
    changed = builder_for(folder).builder_config.stamps
    assert changed["train"] == kept["train"] and changed["test"] != kept["test"]


def test_named_columns_are_resized(folder):
    write(folder / "depth/000001.png", np.full((20, 30), 7, np.uint16))
    with pytest.raises(ValueError, match=r"train\.txt, line 2: .*resize=\('depth',\)"):
        builder_for(folder).download_and_prepare()
    builder = builder_for(folder, resize=("depth",))
    builder.download_and_prepare()
    train = by_id(tfds.as_numpy(builder.as_dataset(split="train")))
    assert train["rgb/000001.png"]["depth"].shape == (39, 78, 1)
    assert (train["rgb/000001.png"]["depth"] == 7).all()
    check_first(train["rgb/000000.png"], folder)


def test_pictures_of_phones_are_upright(folder):
    picture = read(folder / "rgb/000000.png")
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    stored = np.ascontiguousarray(np.rot90(picture))  # as a phone held upright stores it
    PIL.Image.fromarray(stored).save(folder / "rgb/000000.png", exif=exif)
    builder = builder_for(folder)
    builder.download_and_prepare()
    train = by_id(tfds.as_numpy(builder.as_dataset(split="train")))
    np.testing.assert_array_equal(train["rgb/000000.png"]["rgb"], picture)


def test_repaired_folder_is_built(folder):
    path = folder / "depth/000001.png"
    data = path.read_bytes()
    path.write_bytes(data[:200])
    with pytest.raises(ValueError, match="cannot be read"):
        builder_for(folder).download_and_prepare()
    path.write_bytes(data)
    builder = builder_for(folder)
    builder.download_and_prepare()
    assert builder.info.splits["train"].num_examples == 2


def test_empty_list(folder):
    (folder / "train.txt").write_text("")
    with pytest.raises(ValueError, match=r"train\.txt: the list file is empty"):
        builder_for(folder)
    # Also where it is not the first.
    with pytest.raises(ValueError, match=r"train\.txt: the list file is empty"):
        builder_for(folder, lists={"test": "test.txt", "train": "train.txt"}).download_and_prepare()


def test_another_list_is_another_data_set(folder):
    builder_for(folder).download_and_prepare()
    line = (folder / "train.txt").read_text().split("\n")[0]
    (folder / "train.txt").write_text(line)
    builder = builder_for(folder)
    builder.download_and_prepare()
    assert builder.info.splits["train"].num_examples == 1


def write_bands(path, image, nodata=None):
    """A GeoTIFF of `(height, width, bands)`."""
    tags = [] if nodata is None else [(42113, "s", 0, nodata, True)]
    planes = "contig" if image.ndim == 3 else None
    tifffile.imwrite(
        path, image, photometric="minisblack", planarconfig=planes, metadata=None, extratags=tags
    )


@pytest.fixture
def earth(tmp_path):
    """Two examples: 13 bands of uint16, radar of two bands with holes, and elevation."""
    root, rng, lines = tmp_path / "earth", np.random.default_rng(0), []
    root.mkdir()
    for i in range(2):
        size = (17 + i, 20)  # sizes may differ
        write_bands(root / f"s2_{i}.tif", rng.integers(0, 65536, (*size, 13)).astype(np.uint16))
        radar = rng.normal(-12, 4, (*size, 2)).astype(np.float32)
        radar[:3] = -9999
        radar[4, 4] = np.nan
        write_bands(root / f"s1_{i}.tif", radar, "-9999")
        write_bands(root / f"dem_{i}.tif", rng.integers(-400, 9000, size).astype(np.int16))
        write(root / f"mask_{i}.png", rng.integers(0, 2, size, np.uint8))
        lines.append(f"s2_{i}.tif\tmask_{i}.png\ts1_{i}.tif\tdem_{i}.tif")
    (root / "train.txt").write_text("\n".join(lines))
    return root


def earth_builder(earth, **kwargs):
    return MultimodalFolder(
        root=earth,
        lists={"train": "train.txt"},
        columns=("s2", "label", "s1", "dem"),
        num_classes=2,
        data_dir=earth.parent / "data",
        **kwargs,
    )


@pytest.mark.parametrize("file_format", ["tfrecord", "parquet"])
def test_bands_types_and_holes_are_those_of_geotiffs(earth, file_format):
    builder = earth_builder(earth, file_format=file_format)
    builder.download_and_prepare()
    examples = list(tfds.as_numpy(builder.as_dataset(split="train")))
    if file_format == "parquet":
        examples += list(builder.as_data_source(split="train"))
    for example in examples:
        name = example["id"].decode() if isinstance(example["id"], bytes) else str(example["id"])
        for column, dtype in (("s2", "uint16"), ("s1", "float32"), ("dem", "int16")):
            expected = tifffile.imread(earth / f"{column}{name[2:]}")
            assert example[column].dtype == dtype
            np.testing.assert_array_equal(
                example[column], expected.reshape(*expected.shape[:2], -1)
            )
    again = tfds.builder_from_directory(builder.data_dir)
    assert again.info.metadata["nodata"] == {"s1": -9999.0}
    assert again.info.features["s2"].shape == (None, None, 13)


def test_files_that_declare_other_values_for_no_data(earth):
    write_bands(earth / "s1_1.tif", tifffile.imread(earth / "s1_1.tif"), "0")
    message = r"train.txt, line 2: .*one value .* Received: {'s1': 0.0} after {'s1': -9999.0}"
    with pytest.raises(ValueError, match=message):
        earth_builder(earth).download_and_prepare()


def test_another_number_of_bands(earth):
    write_bands(earth / "s2_1.tif", np.zeros((18, 20, 12), np.uint16))
    message = r"line 2: s2_1.tif: .*uint16 with 12 channels after uint16 with 13 channels"
    with pytest.raises(ValueError, match=message):
        earth_builder(earth).download_and_prepare()


def test_slices_of_volumes(tmp_path):
    root, rng = tmp_path / "brains", np.random.default_rng(0)
    root.mkdir()
    t1 = rng.integers(-99, 999, (5, 7, 4)).astype(np.int16)
    mask = rng.integers(0, 2, t1.shape).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(t1, np.eye(4)), root / "t1.nii.gz")
    nibabel.save(nibabel.Nifti1Image(mask, np.eye(4)), root / "mask.nii.gz")
    (root / "train.txt").write_text("\n".join(f"t1.nii.gz#{n}\tmask.nii.gz#{n}" for n in range(4)))

    def builder():
        return MultimodalFolder(
            root=root,
            lists={"train": "train.txt"},
            columns=("t1", "label"),
            num_classes=2,
            data_dir=tmp_path / "data",
        )

    first = builder()
    first.download_and_prepare()
    examples = by_id(tfds.as_numpy(first.as_dataset(split="train")))
    assert sorted(examples) == [f"t1.nii.gz#{n}" for n in range(4)]
    for number in range(4):
        example = examples[f"t1.nii.gz#{number}"]
        np.testing.assert_array_equal(example["t1"][..., 0], np.rot90(t1[..., number]))
        np.testing.assert_array_equal(example["label"][..., 0], np.rot90(mask[..., number]))
    # An edited volume is another data set.
    nibabel.save(nibabel.Nifti1Image(t1[:, :, :3], np.eye(4)), root / "t1.nii.gz")
    assert builder().builder_config.name != first.builder_config.name
    message = r"train.txt, line 4: .*t1.nii.gz: cannot be read: the slice must be in 0..2"
    with pytest.raises(ValueError, match=message):
        builder().download_and_prepare()
    (root / "train.txt").write_text("t1.nii.gz\tmask.nii.gz")
    with pytest.raises(ValueError, match=r"line 1: .*is a volume of 5x7x3\. Name an axial slice"):
        builder()
