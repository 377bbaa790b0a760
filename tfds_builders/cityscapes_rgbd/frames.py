"""Finding and reading the frames in Cityscapes' four archives."""

import re

import numpy as np

from tfds_builders.cityscapes_rgbd.classes import to_train_ids
from tfds_builders.cityscapes_rgbd.depth import depth_from_disparity, parse_camera
from tfds_builders.reading import decode_image, expect_image, open_archive

# Folder of the split in the archives, by its name here.
FOLDERS = {"train": "train", "validation": "val", "test": "test"}
# End of the files' names, by the archive.
SUFFIXES = {
    "leftImg8bit": "leftImg8bit.png",
    "gtFine": "gtFine_labelIds.png",
    "disparity": "disparity.png",
    "camera": "camera.json",
}


def open_archives(folder):
    """The four archives: zips, or the folders that were unpacked from them.

    Args:
        folder: The folder that holds them.

    Returns:
        Dictionary from `"leftImg8bit"`, `"gtFine"`, `"disparity"`, `"camera"` to archive.

    Raises:
        ValueError: If one is neither there as a zip nor as a folder.
    """
    return {kind: open_archive(folder, f"{kind}_trainvaltest.zip", kind) for kind in SUFFIXES}


def member(kind, split, frame):
    """Path of a frame's file in an archive. A frame is called `aachen_000000_000019`."""
    city = frame.split("_")[0]
    return f"{kind}/{FOLDERS[split]}/{city}/{frame}_{SUFFIXES[kind]}"


def find_frames(archives, split):
    """The frames of a split. Nothing is decoded.

    Args:
        archives: As returned by `open_archives`.
        split: `"train"`, `"validation"` or `"test"`.

    Returns:
        Sorted list of their names.

    Raises:
        ValueError: If a frame is missing in one of the archives. The message names archive and
            member.
    """
    frames = set()
    for kind, archive in archives.items():
        folder = f"{kind}/{FOLDERS[split]}"
        pattern = re.compile(rf"{folder}/([^/_]+)/(\1_\d{{6}}_\d{{6}})_{re.escape(SUFFIXES[kind])}")
        matches = (pattern.fullmatch(path) for path in archive.members(folder))
        frames.update(match[2] for match in matches if match)
    frames = sorted(frames)
    for kind, archive in archives.items():
        archive.require(member(kind, split, frame) for frame in frames)
    return frames


def _halve(image):
    """Mean of each 2x2 pixels, halves rounded up."""
    height, width, channels = image.shape
    blocks = image.reshape(height // 2, 2, width // 2, 2, channels)
    return ((blocks.sum((1, 3), np.uint16) + 2) // 4).astype(np.uint8)


def read_frame(archives, split, frame, frame_size, divisor):
    """Reads one frame.

    Args:
        archives: As returned by `open_archives`.
        split: Its split.
        frame: Its name.
        frame_size: Height and width that the files must have.
        divisor: 1, or 2 for half the resolution: of each 2x2 pixels the mean of RGB, and the
            upper left one of labels and disparity.

    Returns:
        Dictionary with `"rgb"`, `"label"`, `"depth"` and `"disparity"`.

    Raises:
        ValueError: If a file is damaged, of another type or size, or has labels that do not exist.
            The message names archive and member.
    """
    names, data = {}, {}
    for kind, archive in archives.items():
        path = member(kind, split, frame)
        names[kind], data[kind] = archive.name(path), archive.read(path)

    def image(kind, dtype, channels):
        decoded = decode_image(data[kind], names[kind])
        expect_image(decoded, names[kind], dtype, channels)
        if decoded.shape[:2] != tuple(frame_size):
            raise ValueError(
                f"{names[kind]}: must be {frame_size[0]}x{frame_size[1]} (height x width). "
                f"Received: {decoded.shape[0]}x{decoded.shape[1]}. For archives of another size "
                "use CityscapesRGBDConfig(frame_size=(height, width))."
            )
        return decoded

    rgb = image("leftImg8bit", np.uint8, 3)
    label = to_train_ids(image("gtFine", np.uint8, 1), names["gtFine"])
    disparity = image("disparity", np.uint16, 1)
    camera = parse_camera(data["camera"], names["camera"])
    if divisor == 2:
        rgb, label, disparity = _halve(rgb), label[::2, ::2], disparity[::2, ::2]
    return {
        "rgb": rgb,
        "label": np.ascontiguousarray(label),
        "depth": depth_from_disparity(disparity, camera),
        "disparity": np.ascontiguousarray(disparity),
    }
