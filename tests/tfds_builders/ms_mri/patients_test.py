import nibabel
import numpy as np
import pytest

from tests.tfds_builders.ms_mri import repository
from tfds_builders.ms_mri.patients import find_patients, open_repository, read_patient, split_of

COLUMNS = ("flair", "t1", "t2", "t1post")


def test_splits_are_by_patient(tmp_path):
    repository.write(tmp_path / "a/open_ms_data")
    # A patient of whom the repository has the lesions alone.
    repository.write(
        tmp_path / "a/open_ms_data",
        ["patient01"],
        [repository.sequence_file("patient01", sequence) for sequence in repository.SEQUENCES],
    )
    (tmp_path / "a/open_ms_data" / repository.FOLDER / "notes").mkdir()
    splits = find_patients(open_repository(tmp_path / "a"))
    assert {split: [p.name for p in patients] for split, patients in splits.items()} == {
        "train": ["patient07", "patient26"],
        "validation": ["patient19"],
        "test": ["patient20"],
    }
    numbers = [split_of(number) for number in range(1, 31)]
    assert [numbers.count(s) for s in ("train", "validation", "test")] == [24, 3, 3]


def test_a_split_without_patients_is_left_out(tmp_path):
    repository.write(tmp_path, ["patient07"])
    assert list(find_patients(open_repository(tmp_path))) == ["train"]


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"must hold the folder open_ms_data.* git clone https"):
        open_repository(tmp_path)
    missing = repository.sequence_file("patient07", "T1")
    repository.write(tmp_path, ["patient07"], [missing])
    with pytest.raises(ValueError, match=rf"member {missing}: there is no such member"):
        find_patients(open_repository(tmp_path))
    repository.write(tmp_path / "b", ["patient19"])
    with pytest.raises(ValueError, match=f"member {repository.FOLDER}: must hold patients"):
        find_patients(open_repository(tmp_path / "b"))


def patient(folder):
    archive = open_repository(folder)
    return archive, find_patients(archive)["train"][0]


def slices(folder):
    return dict(read_patient(*patient(folder)))


def test_values(tmp_path):
    found = slices(repository.write(tmp_path, ["patient07"]))
    assert tuple(found) == repository.SLICES
    volumes = repository.volumes("patient07")
    for column, sequence in zip(COLUMNS, repository.SEQUENCES, strict=True):
        volume = volumes[repository.sequence_file("patient07", sequence)].astype(float)
        brain = np.zeros(repository.SHAPE, bool)
        brain[8:88, 10:100, 1:] = brain[8:50, 10:100, 0] = True
        expected = np.rint(np.minimum(volume / np.percentile(volume[brain], 99.5), 1) * 255)
        image = found[2][column]
        assert image.dtype == np.uint8 and image.shape == (224, 224, 1)
        # Padded around the middle: 110 rows and 96 columns.
        inner = image[57:167, 64:160, 0]
        np.testing.assert_array_equal(inner, np.rot90(expected[..., 2]))
        assert image.sum() == inner.sum()
        # The front is up, and right is right.
        assert image[67:77, 144:152].min() == 255 > image[67:77, 72:80].max()


def test_labels(tmp_path):
    label = slices(repository.write(tmp_path, ["patient07"]))[2]["label"][..., 0]
    assert {value: int((label == value).sum()) for value in (0, 1, 255)} == {
        0: 80 * 90 - 12,
        1: 12,
        255: 224 * 224 - 80 * 90,
    }
    rows, columns = np.nonzero(label == 1)
    # 30..32 from behind are the rows 57 + 110 - 33 to 57 + 110 - 31.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (134, 136, 84, 87)


def overwrite(folder, sequence, volume):
    path = folder / repository.sequence_file("patient07", sequence)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), path)


def test_a_wrong_file_is_named(tmp_path):
    repository.write(tmp_path, ["patient07"])
    overwrite(tmp_path, "T1", np.ones((96, 110, 3), np.float32))
    with pytest.raises(ValueError, match=r"MNI/patient07/T1_.*: must have the size of FLAIR"):
        slices(tmp_path)
    path = tmp_path / repository.sequence_file("patient07", "T1")
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match=r"MNI/patient07/T1_.*: cannot be read: "):
        slices(tmp_path)


def test_a_brain_that_is_too_large_or_missing(tmp_path):
    repository.write(tmp_path, ["patient07"])
    large = np.ones((230, 100, 1), np.float32)
    for sequence in repository.SEQUENCES:
        overwrite(tmp_path, sequence, large)
    path = tmp_path / repository.lesion_file("patient07")
    nibabel.save(nibabel.Nifti1Image(large.astype(np.uint8), np.eye(4)), path)
    with pytest.raises(ValueError, match="brain in slice 0 must fit into 224x224 pixels"):
        slices(tmp_path)
    for sequence in repository.SEQUENCES:
        overwrite(tmp_path, sequence, np.zeros_like(large))
    with pytest.raises(ValueError, match=r"FLAIR_.*: must not be empty"):
        slices(tmp_path)


def test_a_margin_without_brain_may_be_cut_off(tmp_path):
    repository.write(tmp_path, ["patient07"])
    large = np.zeros((240, 100, 1), np.float32)
    large[8:232] = 5
    for sequence in repository.SEQUENCES:
        overwrite(tmp_path, sequence, large)
    path = tmp_path / repository.lesion_file("patient07")
    nibabel.save(nibabel.Nifti1Image(np.zeros(large.shape, np.uint8), np.eye(4)), path)
    image = slices(tmp_path)[0]["flair"][..., 0]
    assert image[62:162].min() == 255 and not image[:62].any() and not image[162:].any()
