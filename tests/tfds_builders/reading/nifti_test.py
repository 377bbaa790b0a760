import gzip

import nibabel
import numpy as np
import pytest

from tfds_builders.multimodal_folder.image_file import read_image_file
from tfds_builders.reading import (
    axial_slice,
    is_nifti,
    limits,
    read_slice,
    read_volume,
    split_slice,
)

RNG = np.random.default_rng(0)
VOLUME = RNG.integers(-32768, 32768, (5, 7, 4)).astype(np.int16)
VOLUME[0, 0, 0], VOLUME[1, 0, 0] = -32768, 32767


def save(path, volume, affine=None, slope=None, inter=None):
    image = nibabel.Nifti1Image(volume, np.eye(4) if affine is None else affine)
    if slope is not None:
        image.header.set_slope_inter(slope, inter)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("suffix", ["nii", "nii.gz", "NII"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_values_and_types_are_those_of_the_file(tmp_path, suffix, dtype):
    if suffix == "NII":  # nibabel writes no capitals
        path = save(tmp_path / "a.nii", VOLUME.astype(dtype)).rename(tmp_path / "b.nii")
    else:
        path = save(tmp_path / f"a.{suffix}", VOLUME.astype(dtype))
    volume = read_volume(path)
    assert volume.dtype == dtype and not volume.flags.writeable
    np.testing.assert_array_equal(volume, VOLUME.astype(dtype))


def test_not_a_number_stays(tmp_path):
    floats = VOLUME.astype(np.float32)
    floats[2, 3, 1] = np.nan
    image = read_image_file(save(tmp_path / "a.nii.gz", floats), part=1)
    assert np.isnan(image).sum() == 1 and image.dtype == np.float32


def test_scale_and_offset_are_applied(tmp_path):
    image = nibabel.Nifti1Image(VOLUME, np.eye(4))
    path = tmp_path / "a.nii"
    nibabel.save(image, path)
    data = bytearray(path.read_bytes())
    data[112:120] = np.array([0.5, -3], "<f4").tobytes()  # scl_slope, scl_inter
    path.write_bytes(data)
    volume = read_volume(path)
    assert volume.dtype == np.float32
    np.testing.assert_array_equal(volume, VOLUME * np.float32(0.5) - 3)


def test_all_orientations_show_the_same_slice(tmp_path):
    expected = axial_slice(VOLUME, 2)
    assert expected.shape == (7, 5, 1)
    # The front is up, and right is right.
    assert expected[0, 0] == VOLUME[0, -1, 2] and expected[-1, -1] == VOLUME[-1, 0, 2]
    ras = nibabel.Nifti1Image(VOLUME, np.eye(4))
    for codes in ("RAS", "LAS", "LPS", "PIR", "ASL"):
        orientation = nibabel.orientations.axcodes2ornt(codes)
        path = tmp_path / f"{codes}.nii.gz"
        nibabel.save(
            ras.as_reoriented(
                nibabel.orientations.ornt_transform(
                    nibabel.orientations.axcodes2ornt("RAS"), orientation
                )
            ),
            path,
        )
        np.testing.assert_array_equal(read_slice(path, 2), expected)


def test_a_slice_must_be_named(tmp_path):
    path = save(tmp_path / "a.nii.gz", VOLUME)
    message = r"a\.nii\.gz: cannot be read: it is a volume of 5x7x4\. .* 0 to 3: a\.nii\.gz#2"
    with pytest.raises(ValueError, match=message):
        read_image_file(path)
    assert read_image_file(path, part=3).shape == (7, 5, 1)
    with pytest.raises(ValueError, match=r"slice must be in 0\.\.3\. Received: #4"):
        read_image_file(path, part=4)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 1, 1)])
def test_one_slice_needs_no_number(tmp_path, shape):
    path = save(tmp_path / "a.nii", VOLUME[..., 0].reshape(shape))
    np.testing.assert_array_equal(read_image_file(path), axial_slice(VOLUME, 0))


def test_a_changed_file_is_read_anew(tmp_path):
    read_volume(save(tmp_path / "a.nii", VOLUME))
    changed = save(tmp_path / "a.nii", VOLUME[:, :, :3])
    assert read_volume(changed).shape == (5, 7, 3)


def test_masks(tmp_path):
    mask = (VOLUME > 0).astype(np.uint8)
    found = read_image_file(save(tmp_path / "a.nii.gz", mask), is_label=True, part=0)
    np.testing.assert_array_equal(found, axial_slice(mask, 0))
    path = save(tmp_path / "b.nii.gz", VOLUME)
    with pytest.raises(ValueError, match=r"b\.nii\.gz: a label must be a uint8 mask.*int16"):
        read_image_file(path, is_label=True, part=0)


def test_types_that_are_not_read(tmp_path):
    path = save(tmp_path / "a.nii", VOLUME.astype(np.float64))
    with pytest.raises(ValueError, match=r"a\.nii: must be .* save it as float32"):
        read_image_file(path, part=0)
    colours = np.zeros((5, 7, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(ValueError, match="must be NIfTI of single numbers"):
        read_image_file(save(tmp_path / "b.nii", colours), part=0)
    path = save(tmp_path / "c.nii", np.stack([VOLUME] * 2, -1))
    with pytest.raises(ValueError, match="2 or 3 dimensions, not 5x7x4x2; save each volume"):
        read_image_file(path, part=0)


def test_the_largest_volume_and_one_above(tmp_path, monkeypatch):
    path = save(tmp_path / "a.nii.gz", VOLUME)
    monkeypatch.setattr(limits, "MAX_IMAGE_BYTES", VOLUME.nbytes - 1)
    with pytest.raises(ValueError, match=r"a\.nii\.gz: cannot be read: .* Received: 5x7x4"):
        read_image_file(path, part=0)
    monkeypatch.setattr(limits, "MAX_IMAGE_BYTES", VOLUME.nbytes)
    assert read_image_file(path, part=0).shape == (7, 5, 1)


def test_a_header_that_declares_more_than_the_file_holds(tmp_path):
    path = save(tmp_path / "a.nii", VOLUME)
    data = bytearray(path.read_bytes())
    data[42:48] = np.array([500, 700, 400], "<i2").tobytes()  # dim[1:4]
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.nii: cannot be read: "):
        read_image_file(path, part=0)


def test_damaged_files_are_named(tmp_path):
    path = save(tmp_path / "a.nii.gz", VOLUME)
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], b"version https://git-lfs", b"", gzip.compress(b"text")):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"a\.nii\.gz: cannot be read: "):
            read_image_file(path, part=0)
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ValueError, match="git lfs pull"):
        read_image_file(path, part=0)
    with pytest.raises(ValueError, match=r"b\.nii: there is no such file"):
        read_image_file(tmp_path / "b.nii")


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    path = save(tmp_path / "a.nii.gz", VOLUME)

    def without(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("importlib.import_module", without)
    message = r"a\.nii\.gz: cannot be read: NIfTI is read by nibabel: pip install 'keras_asym\[nif"
    with pytest.raises(ValueError, match=message):
        read_image_file(path, part=0)


def test_names():
    assert is_nifti("t1/A.NII.GZ") and is_nifti("a.nii") and not is_nifti("a.gz")
    assert split_slice("a#1/b.nii#0") == ("a#1/b.nii", 0)
    assert split_slice("a.nii.gz") == ("a.nii.gz", None)
    assert split_slice("a.png#7") == ("a.png#7", None)
