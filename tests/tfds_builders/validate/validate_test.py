import re
import shutil
import subprocess
import sys

import nibabel
import numpy as np
import PIL.Image
import pytest
import tifffile

from tests.tfds_builders.validate.folders import NUM_CLASSES, make_folder, write
from tfds_builders.multimodal_folder import MultimodalFolder
from tfds_builders.validate.__main__ import main


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "rooms")


@pytest.fixture
def run(tmp_path, capsys):
    """Runs the command; its exit status, output and contact sheet."""

    def run(name, *arguments, classes=NUM_CLASSES):
        options = [f"--num_classes={classes}"] if classes else []
        status = main([str(name), f"--sheet={tmp_path / 'sheet.png'}", *options, *arguments])
        out, err = capsys.readouterr()
        return status, out + err

    return run


def row(text, *cells):
    return re.search(r"^" + r"\s+".join(map(re.escape, cells)) + r"\s*$", text, re.MULTILINE)


def test_a_sound_folder(folder, run, tmp_path):
    status, text = run(folder)
    assert status == 0
    assert "0 error(s), 0 warning(s)" in text
    assert row(text, "train", "4", "0", "0") and row(text, "validation", "2", "0", "0")
    assert row(text, "rgb", "uint8 x 3", "12x16", "0..255")
    assert re.search(r"^depth +uint16 x 1 +12x16 +0\.\.\d+ +8\.3 %", text, re.MULTILINE)
    assert re.search(r"^1/5000 m .* [23]\.\d\d m .* plausible indoors, likely$", text, re.MULTILINE)
    assert row(text, "255", "void, of all pixels", "25.00 %", "25.00 %")
    shares = re.findall(r"^[012]\s+(\S+) %", text, re.MULTILINE)
    assert len(shares) == NUM_CLASSES and abs(sum(map(float, shares)) - 100) < 0.1
    sheet = np.array(PIL.Image.open(tmp_path / "sheet.png"))
    assert sheet.shape[1] == 6 + 3 * 246 and len(np.unique(sheet.reshape(-1, 3), axis=0)) > 500


def break_truncated(folder):
    path = folder / "depth/000002.png"
    path.write_bytes(path.read_bytes()[:200])
    return r"1 unreadable images:\n.*depth/000002\.png: cannot be read"


def break_missing(folder):
    (folder / "rgb/000001.png").unlink()
    return r"rgb/000001\.png: there is no such file"


def break_label(folder):
    write(folder / "masks/000001.png", np.full((12, 16), NUM_CLASSES, np.uint8))
    return r"1 masks with labels other than 0\.\.2 .*Check the number.*\n.*000001\.png: 3$"


def break_labels_from_1(folder):
    for path in (folder / "masks").iterdir():
        label = np.array(PIL.Image.open(path))
        write(path, np.where(label == 255, 255, label + 1).astype(np.uint8))
    return r"6 masks with labels.*The labels start at 1\?\n(.*\n){5} +\.\.\. and 1 more"


def break_size(folder):
    write(folder / "depth/000003.png", np.ones((12, 15), np.uint16))
    return r"1 examples whose images differ in size .*:\n.*rgb 12x16, label 12x16, depth 12x15"


def break_margin(folder):
    write(folder / "depth/000003.png", np.ones((24, 32), np.uint16))
    return r"1 examples .*differ in size by more than the 2\.5 % .*--resize.*\n.*depth 24x32"


def break_foreground(folder):
    for path in (folder / "masks").iterdir():
        label = np.array(PIL.Image.open(path))
        write(path, np.where(label > 0, 255, 0).astype(np.uint8))
    return r"one class \(0\) and 255 only\. 255 is void: write the foreground as 1"


def break_one_class(folder):
    for path in (folder / "masks").iterdir():
        write(path, np.ones((12, 16), np.uint8))
    return r"all masks hold one class \(1\) only"


def break_void_split(folder):
    for number in range(4):
        write(folder / f"masks/{number:06d}.png", np.full((12, 16), 255, np.uint8))
    return "split 'train' is void everywhere"


def break_lossy(folder):
    path = folder / "masks/000002.jpg"
    PIL.Image.open(folder / "masks/000002.png").save(path)
    (folder / "masks/000002.png").write_bytes(path.read_bytes())
    return r"masks/000002\.png: cannot be read: .*lossless format.*JPEG"


def break_pointer(folder):
    (folder / "rgb/000002.png").write_text("version https://git-lfs.github.com/spec/v1\n")
    return r"rgb/000002\.png: cannot be read: it is a Git LFS pointer.*git lfs pull"


def break_link(folder):
    (folder / "rgb/000002.png").rename(folder.parent / "secret.png")
    (folder / "rgb/000002.png").symlink_to(folder.parent / "secret.png")
    return r"rgb/000002\.png: the symbolic link .* out of the folder"


def break_encoding(folder):
    text = (folder / "train.txt").read_text()
    (folder / "train.txt").write_bytes(text.encode("utf-16-le"))
    return r"train\.txt: the list file must be .* save it as UTF-8"


def break_type(folder):
    write(folder / "rgb/000003.png", np.zeros((12, 16, 4), np.uint8))
    return r"'rgb' must have one type\. .*uint8 x 3 \(5 images\), uint8 x 4 \(1 images\)"


def break_overlap(folder):
    shutil.copy(folder / "rgb/000000.png", folder / "rgb/000004.png")
    return r"1 pictures that are in more than one split:\n +train rgb/000000.png = validation rgb/"


def break_list(folder):
    text = (folder / "train.txt").read_text()
    (folder / "train.txt").write_text(text.replace("rgb/000002", "../rgb/000002"))
    return r"splits that cannot be read:\n.*train\.txt, line 3: paths must be relative"


BREAKS = [
    break_truncated,
    break_missing,
    break_label,
    break_labels_from_1,
    break_size,
    break_type,
    break_overlap,
    break_list,
    break_margin,
    break_foreground,
    break_one_class,
    break_void_split,
    break_lossy,
    break_pointer,
    break_link,
    break_encoding,
]


@pytest.mark.parametrize("damage", BREAKS)
def test_errors_are_named_and_the_status_is_1(folder, run, damage):
    message = damage(folder)
    status, text = run(folder)
    assert status == 1
    errors = text[text.index("ERROR") :]
    assert re.search(message, errors, re.MULTILINE), errors


def test_warnings_leave_the_status_at_0(tmp_path, run):
    folder = make_folder(tmp_path / "rooms", size=(39, 78))
    shutil.copy(folder / "rgb/000000.png", folder / "rgb/000001.png")
    write(folder / "masks/000002.png", np.full((39, 78), 255, np.uint8))
    write(folder / "depth/000002.png", np.zeros((39, 78), np.uint16))
    write(folder / "depth/000003.png", np.full((40, 80), 15000, np.uint16))
    (folder / "val.txt").write_text("rgb/000004.png\tmasks/000009.png\tdepth/000004.png")
    write(folder / "masks/000009.png", np.full((39, 78), 3, np.uint8))
    status, text = run(folder, classes=5)
    assert status == 0
    assert "warning: 1 pictures that a split has twice:" in text
    assert "train rgb/000000.png = rgb/000001.png" in text
    assert "1 masks that are void everywhere:" in text
    assert "1 images of 'depth' without a measured pixel" in text
    assert "centre-cropped to the mask:\n    train rgb/000003.png: rgb 39x78" in text
    assert "classes without a pixel: 4" in text
    assert "classes that the split 'train' lacks: 3" in text
    assert run(folder, classes=None)[1].count("pass --num_classes (4 at least)") == 1


def test_holes_with_a_value_of_their_own(folder, run):
    depth = np.array(PIL.Image.open(folder / "depth/000001.png"))
    depth[5, 6:9] = 65535
    write(folder / "depth/000001.png", depth)
    status, text = run(folder)
    assert status == 0
    assert "3 pixels of 'depth' are 65535" in text and "train with invalid=65535" in text


def test_floats_that_are_not_finite(folder, run):
    lines = []
    for name in ("a", "b"):
        values = np.full((12, 16), 290, np.float32)
        values[0, :5] = np.nan
        PIL.Image.fromarray(values).save(folder / f"{name}.tiff")
        lines.append(f"rgb/00000{len(lines)}.png\t{name}.tiff")
    (folder / "two.txt").write_text("\n".join(lines))
    arguments = ("--lists=train=two.txt", "--columns=rgb,thermal")
    status, text = run(folder, *arguments, classes=None)
    assert status == 0
    assert "warning: 10 pixels of 'thermal' are NaN or infinity" in text
    # In a depth they are holes, as NaN is the usual one.
    text = run(folder, *arguments, "--depth=thermal", classes=None)[1]
    assert "NaN or infinity" not in text and re.search(r"290\.\.290 +2\.6 %", text)


def test_exif_that_turns_one_column_only(folder, run):
    path = folder / "rgb/000001.png"
    exif = PIL.Image.Exif()
    exif[0x0112] = 3
    image = PIL.Image.open(path)
    image.save(path, exif=exif)
    status, text = run(folder)
    assert status == 0
    assert "1 examples whose images are turned differently as EXIF says" in text
    assert "train rgb/000001.png: rgb 3, label 1, depth 1" in text


def test_columns_that_are_resized(folder, run):
    for path in (folder / "depth").iterdir():
        write(path, np.array(PIL.Image.open(path)).repeat(2, 0).repeat(2, 1))
    assert run(folder)[0] == 1
    status, text = run(folder, "--resize=depth")
    assert status == 0 and "0 error(s), 0 warning(s)" in text
    assert "`resize` must name some of the columns" in run(folder, "--resize=height")[1]


def test_labels_that_a_benchmark_keeps(folder, run):
    for number in (4, 5):
        write(folder / f"masks/{number:06d}.png", np.full((12, 16), 255, np.uint8))
    (folder / "val.txt").rename(folder / "test.txt")
    status, text = run(folder)
    assert status == 0 and "warning: split 'test' is void everywhere" in text


def test_junk_in_the_list_is_left_out(folder, run):
    with (folder / "train.txt").open("a") as file:
        file.write("\nrgb/.DS_Store\tmasks/.DS_Store\tdepth/Thumbs.db\n")
    assert "0 error(s), 0 warning(s)" in run(folder)[1]


def test_fewer_than_two_classes(folder, run):
    status, text = run(folder, classes=1)
    assert status == 1 and "there must be at least two classes. Received: 1" in text


@pytest.mark.parametrize("unit", [256, 512, 1000, 5000, 10000])
def test_likely_unit(tmp_path, run, unit):
    _, text = run(make_folder(tmp_path / "rooms", unit))
    assert re.search(rf"^1/{unit} m .*, likely$", text, re.MULTILINE)


def test_declared_unit(folder, run):
    status, text = run(folder, "--units=100000")
    assert status == 0
    assert re.search(r"with the declared unit 1/100000 m: implausible\. 1/5000 m would", text)
    status, text = run(folder, "--units=5000")
    assert "0 warning(s)" in text
    assert re.search(r"^1/5000 m .* plausible indoors, declared$", text, re.MULTILINE)


def test_rotated_bits(folder, run):
    for path in (folder / "depth").iterdir():
        millimetres = np.full((12, 16), 2500, np.uint16) + np.arange(16, dtype=np.uint16)
        write(path, (millimetres << 3) | (millimetres >> 13))
    assert "multiples of 8: files of SUN RGB-D have their bits rotated" in run(folder)[1]


def test_other_lists_and_domains(folder, run):
    for domain in ("rgb", "depth_zbuffer"):
        (folder / domain).mkdir(exist_ok=True)
        for index in range(2):
            name = folder / domain / f"point_{index}_view_0_domain_{domain}.png"
            image = np.full((12, 16), 1500 + index, np.uint16)
            write(name, image if domain != "rgb" else np.full((12, 16, 3), index, np.uint8))
    lines = [f"{{domain}}/point_{index}_view_0_domain_{{domain}}.png" for index in range(2)]
    (folder / "domains.txt").write_text("\n".join(lines))
    arguments = ["--lists=train=domains.txt", "--columns=rgb,depth_zbuffer"]
    status, text = run(folder, *arguments, classes=None)
    assert status == 0, text
    assert row(text, "depth_zbuffer", "uint16 x 1", "12x16", "1500..1501", "0.0 %")
    assert "label" not in text


def test_a_built_data_set(folder, run, tmp_path):
    shutil.copy(folder / "rgb/000000.png", folder / "rgb/000004.png")
    lists = {"train": "train.txt", "validation": "val.txt"}
    builder = MultimodalFolder(
        root=folder, lists=lists, class_names=["wall", "floor", "bed"], data_dir=tmp_path / "data"
    )
    builder.download_and_prepare()
    data_dir = f"--data_dir={tmp_path / 'data'}"
    status, text = run("multimodal_folder", data_dir, classes=None)
    assert status == 1
    assert "1 pictures that are in more than one split" in text
    assert re.search(r"^1 +floor +\d+\.\d\d %", text, re.MULTILINE)
    for shard in builder.data_path.glob("*validation.tfrecord*"):
        shard.write_bytes(shard.read_bytes()[:-20])
    status, text = run(builder.data_path, classes=None)
    assert status == 1
    assert "split 'validation' cannot be read after 1 of 2 examples" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nyudv3"], r"'nyudv3' must be a folder, or a data set that is built in .*neither"),
        (["{data}"], r"`root` must hold images .*with none"),
        (["nyudv3", "--columns=rgb"], "`--lists`, `--columns` and `--resize` are of folders"),
        (["{folder}", "--depth=height"], r"`depth` must name some of .*\['height'\]"),
    ],
)
def test_unusable_arguments(folder, run, tmp_path, arguments, message):
    (tmp_path / "data").mkdir()
    name, *rest = [a.format(data=tmp_path / "data", folder=folder) for a in arguments]
    status, text = run(name, *rest)
    assert status == 1
    assert re.search(message, text)


def test_the_command(folder, tmp_path):
    command = [sys.executable, "-m", "tfds_builders.validate", str(folder), "--num_classes=2"]
    sheet = f"--sheet={tmp_path / 'sheet.png'}"
    result = subprocess.run([*command, sheet], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "labels other than 0..1" in result.stdout
    assert result.stderr == ""


def test_bands_and_slices_of_volumes(folder, run):
    rng = np.random.default_rng(0)
    lines = []
    volume = rng.integers(-99, 999, (16, 12, 2)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / "t1.nii.gz")
    for i in range(2):
        bands = rng.integers(0, 9999, (12, 16, 13)).astype(np.uint16)
        options = {"photometric": "minisblack", "planarconfig": "contig"}
        tifffile.imwrite(folder / f"s2_{i}.tif", bands, **options)
        lines.append(f"s2_{i}.tif\tt1.nii.gz#{i}")
    (folder / "bands.txt").write_text("\n".join(lines))
    lists = "--lists", "train=bands.txt", "--columns=s2,t1"
    status, text = run(folder, *lists, classes=None)
    assert status == 0, text
    assert re.search(r"^s2 +uint16 x 13 +12x16 ", text, re.MULTILINE)
    assert re.search(r"^t1 +int16 x 1 +12x16 +-\d+\.\.\d+ *$", text, re.MULTILINE)
    builder = MultimodalFolder(
        root=folder, lists={"train": "bands.txt"}, columns=("s2", "t1"), data_dir=folder / "data"
    )
    builder.download_and_prepare()
    built = run(builder.data_dir, classes=None)
    assert built[0] == 0 and re.search(r"^s2 +uint16 x 13 ", built[1], re.MULTILINE)
