"""Finding and reading the patients of the repository `open_ms_data`."""

import dataclasses
import pathlib
import re

import numpy as np

from tfds_builders.reading import VOID, FolderArchive, axial_slice, read_volume

CLASS_NAMES = ("brain", "lesion")
SIZE = (224, 224)
# Share of a slice that the brain must fill, of `SIZE`.
LEAST_BRAIN = 0.1
# An intensity that becomes 255: above are vessels and artefacts.
PERCENTILE = 99.5

_FOLDER = "cross_sectional/MNI"
_SEQUENCE = "N4_noneck_reduced_winsor_regtoFLAIR_brain_N4_regtoMNI.nii.gz"
SEQUENCES = {
    "flair": f"FLAIR_{_SEQUENCE}",
    "t1": f"T1_{_SEQUENCE}",
    "t2": f"T2_{_SEQUENCE}",
    "t1post": f"T1POST_{_SEQUENCE}",
}
_LESIONS = "GOLD_STANDARD_N4_noneck_reduced_winsor_regtoFLAIR_regtoMNI.nii.gz"
_PATIENT = re.compile(r"patient(\d+)")


@dataclasses.dataclass(frozen=True)
class Patient:
    """One patient.

    Args:
        name: As `"patient07"`.
        members: Dictionary from `"label"` and the names of `SEQUENCES` to member of the archive.
    """

    name: str
    members: dict


def open_repository(folder):
    """The repository's clone.

    Args:
        folder: The clone, or the folder with it.

    Returns:
        A `FolderArchive` whose members begin with `cross_sectional/MNI`.

    Raises:
        ValueError: If it is not there.
    """
    for clone in (pathlib.Path(folder), pathlib.Path(folder) / "open_ms_data"):
        if (clone / _FOLDER).is_dir():
            return FolderArchive(clone)
    raise ValueError(
        f"{folder}: must hold the folder open_ms_data with {_FOLDER}: git clone "
        "https://github.com/muschellij2/open_ms_data"
    )


def split_of(number):
    """The split of a patient: of ten one is for validation, and one for the test."""
    return {9: "validation", 0: "test"}.get(number % 10, "train")


def find_patients(archive):
    """The patients of each split. Nothing is read.

    Patients without any sequence are left out.

    Args:
        archive: As returned by `open_repository`.

    Returns:
        Dictionary from split to list of `Patient`s; splits without any are left out.

    Raises:
        ValueError: If a patient has some of the files alone, or there is none to train on.
    """
    splits = {"train": [], "validation": [], "test": []}
    found = set(archive.members(_FOLDER))
    for name in sorted({member.split("/")[2] for member in found if member.count("/") == 3}):
        match = _PATIENT.fullmatch(name)
        files = {column: f"{_FOLDER}/{name}/{file}" for column, file in SEQUENCES.items()}
        if not match or not found & set(files.values()):
            continue
        files["label"] = f"{_FOLDER}/{name}/{_LESIONS}"
        archive.require(files.values())
        splits[split_of(int(match[1]))].append(Patient(name, files))
    if not splits["train"]:
        raise archive.error(
            _FOLDER,
            f"must hold patients with {SEQUENCES['flair']} and its like, whose number ends with 1 "
            "to 8. Is the clone complete? Run `git pull`.",
        )
    return {split: patients for split, patients in splits.items() if patients}


def read_patient(archive, patient):
    """Reads the slices of a patient.

    Args:
        archive: As returned by `open_repository`.
        patient: A `Patient`.

    Yields:
        Pairs of the slice's number in the volume and a dictionary from the names of `SEQUENCES` and
        `"label"` to uint8 array `(224, 224, 1)`.

    Raises:
        ValueError: If a file is damaged, or the volumes differ in size. The message names it.
    """
    volumes = {}
    for column, member in patient.members.items():
        try:
            volumes[column] = read_volume(archive.local_path(member))
        except Exception as error:  # nibabel raises errors of many kinds for a damaged file
            raise archive.error(member, f"cannot be read: {error}") from error
        size, first = volumes[column].shape, volumes["flair"].shape
        if size != first:
            raise archive.error(
                member, f"must have the size of FLAIR, {first}. Received: {size}. Fetch it again."
            )
    brain = np.any([volumes[column] != 0 for column in SEQUENCES], axis=0)
    if not brain.any():
        raise archive.error(patient.members["flair"], "must not be empty. Fetch it again.")
    images = {column: _to_uint8(volumes[column], brain) for column in SEQUENCES}
    label = (volumes["label"] > 0.5).astype(np.uint8)
    images["label"] = np.where(brain, label, np.uint8(VOID))
    for number in range(brain.shape[-1]):
        inside = axial_slice(brain, number)
        if inside.sum() < LEAST_BRAIN * SIZE[0] * SIZE[1]:
            continue
        if inside.sum() != _fit(inside, False).sum():
            raise archive.error(
                patient.members["flair"],
                f"the brain in slice {number} must fit into {SIZE[0]}x{SIZE[1]} pixels. Received: "
                f"a slice of {inside.shape[0]}x{inside.shape[1]}. Resample it to 1 mm.",
            )
        yield (
            number,
            {
                column: _fit(axial_slice(volume, number), VOID if column == "label" else 0)
                for column, volume in images.items()
            },
        )


def _to_uint8(volume, brain):
    values = np.nan_to_num(volume.astype(np.float64))
    top = max(np.percentile(values[brain], PERCENTILE), np.finfo(float).tiny)
    return np.where(brain, np.rint(np.clip(values / top, 0, 1) * 255), 0).astype(np.uint8)


def _fit(image, fill):
    """The middle of an image, or the image in the middle, of `SIZE`."""
    fitted = np.full((*SIZE, 1), fill, image.dtype)
    source, target = [], []
    for old, new in zip(image.shape[:2], SIZE, strict=True):
        length = min(old, new)
        source.append(slice((old - length) // 2, (old - length) // 2 + length))
        target.append(slice((new - length) // 2, (new - length) // 2 + length))
    fitted[tuple(target)] = image[tuple(source)]
    return fitted
