"""Writes small archives of Cityscapes' layout."""

import io
import json
import zipfile

import numpy as np
import PIL.Image

SIZE = (8, 16)
CAMERA = {
    "extrinsic": {"baseline": 0.2, "pitch": 0.04, "roll": 0.0, "x": 1.7, "y": 0.1, "z": 1.2},
    "intrinsic": {"fx": 2000.0, "fy": 2000.5, "u0": 1000.0, "v0": 500.0},
}
# By the folder of the split; the numbers of sequence and frame are those of real names.
FRAMES = {
    "train": ["aachen_000000_000019", "aachen_000001_000019", "hamburg_000000_103367"],
    "val": ["frankfurt_000000_000294"],
    "test": ["berlin_000000_000019", "leverkusen_000001_000019"],
}
NUM_EXAMPLES = {"train": 3, "validation": 1, "test": 2}


def arrays(folder, frame):
    """RGB, label ids and disparity of a frame, different ones for each."""
    rng = np.random.default_rng(list(f"{folder}{frame}".encode()))
    rgb = rng.integers(0, 256, (*SIZE, 3), np.uint8)
    ids = rng.integers(0, 34, SIZE, np.uint8)
    if folder == "test":
        ids = rng.integers(0, 4, SIZE, np.uint8)  # ego vehicle, borders: all void
    disparity = rng.integers(0, 65536, SIZE, np.uint16)
    disparity[:2, :4] = [0, 1, 2, 342]
    return rgb, ids, disparity


def png(array):
    """The array as the bytes of a PNG."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(array).save(buffer, format="png")
    return buffer.getvalue()


def contents():
    """Dictionary from archive to dictionary from member to bytes."""
    archives = {kind: {} for kind in ("leftImg8bit", "gtFine", "disparity", "camera")}
    for folder, frames in FRAMES.items():
        for frame in frames:
            rgb, ids, disparity = arrays(folder, frame)
            path = f"{folder}/{frame.split('_')[0]}/{frame}"
            archives["leftImg8bit"][f"leftImg8bit/{path}_leftImg8bit.png"] = png(rgb)
            archives["gtFine"][f"gtFine/{path}_gtFine_labelIds.png"] = png(ids)
            # What else is in the archive.
            archives["gtFine"][f"gtFine/{path}_gtFine_color.png"] = png(rgb)
            archives["gtFine"][f"gtFine/{path}_gtFine_polygons.json"] = b"{}"
            archives["disparity"][f"disparity/{path}_disparity.png"] = png(disparity)
            archives["camera"][f"camera/{path}_camera.json"] = json.dumps(CAMERA).encode()
    for members in archives.values():
        members["license.txt"] = members["README"] = b"text"
    return archives


def write_zips(folder, archives):
    """Writes the four zips."""
    folder.mkdir(exist_ok=True)
    for kind, members in archives.items():
        with zipfile.ZipFile(folder / f"{kind}_trainvaltest.zip", "w") as file:
            for name, data in members.items():
                file.writestr(name, data)


def write_folders(folder, archives):
    """Writes the folders unpacked of the zips, all into one."""
    for members in archives.values():
        for name, data in members.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
