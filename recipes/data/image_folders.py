"""Folders of images to predict from: one folder for each modality, files of the same names."""

import pathlib

from tfds_builders.multimodal_folder.image_file import read_image_file
from tfds_builders.multimodal_folder.sizes import to_one_size
from tfds_builders.reading.junk import is_junk


def list_examples(folder, modalities):
    """Finds the examples of a folder.

    Args:
        folder: Folder with one folder of images for each modality.
        modalities: Names of the modalities.

    Returns:
        `{name of the example: {modality: path}}`.

    Raises:
        ValueError: If a folder is missing or empty, an example lacks a modality, or two files of a
            folder have the same name but for its ending.
    """
    folder = pathlib.Path(folder).expanduser()
    files = {modality: _files(folder, modality) for modality in modalities}
    first = files[modalities[0]]
    if not first:
        raise ValueError(f"`images` must hold images. Received: {folder / modalities[0]}, empty")
    for modality in modalities[1:]:
        missing = sorted(set(first) ^ set(files[modality]))
        if missing:
            raise ValueError(
                "`images` must hold every example in every modality. Received: "
                f"{missing[0]} (and {len(missing) - 1} more) not in both '{modalities[0]}' and "
                f"'{modality}'"
            )
    return {name: {m: files[m][name] for m in modalities} for name in first}


def _files(folder, modality):
    if not (folder / modality).is_dir():
        raise ValueError(
            f"`images` must hold a folder '{modality}'. Received: {folder}; for a subset of "
            "the sensors pass --modalities"
        )
    found = {}
    for path in sorted((folder / modality).iterdir()):
        if not path.is_file() or path.name.startswith(".") or is_junk(path.name):
            continue
        if path.stem in found:
            raise ValueError(
                "`images` must hold one file of each name. Received: "
                f"{found[path.stem].name} and {path.name} in {path.parent}; rename or remove one"
            )
        found[path.stem] = path
    return found


def read_example(name, files, specs, dtypes=None, resized=()):
    """Reads one example.

    Args:
        name: Its name.
        files: `{modality: path}`.
        specs: `{modality: spec}`, of which `channels` is looked at.
        dtypes: `{modality: name of the dtype}` that the model was trained on; any by default.
        resized: Modalities that are resized to the size of the others, as in training.

    Returns:
        `{modality: array (height, width, channels)}`.

    Raises:
        ValueError: If a file has another number of channels or another dtype, or sizes differ.
    """
    images = {modality: read_image_file(path) for modality, path in files.items()}
    for modality, image in images.items():
        channels = specs[modality]["channels"]
        if image.shape[-1] != channels:
            raise ValueError(
                f"{files[modality]} must have {channels} channel(s). Received: {image.shape[-1]}"
            )
        expected = (dtypes or {}).get(modality, image.dtype.name)
        if image.dtype.name != expected:
            raise ValueError(
                f"{files[modality]} must be {expected}, as the images of the training were: the "
                f"same distance or intensity has other values in {image.dtype}. Received: "
                f"{image.dtype}; save it as {expected} in the unit of the training"
            )
    if set(resized) & set(images) and not set(images) <= set(resized):
        images = to_one_size(images, resized=tuple(m for m in images if m in resized))
    sizes = {modality: image.shape[:2] for modality, image in images.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(
            f"Example '{name}': the modalities must have one height and width; crop or resize "
            f"them to one another first. Received: {sizes}"
        )
    return images
