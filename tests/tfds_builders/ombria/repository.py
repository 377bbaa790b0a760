"""Writes small repositories of OMBRIA's layout."""

import io
import zipfile

import numpy as np
import PIL.Image

SIZE = (8, 10)
# `{beginning of the id: (folder, names before, after, mask, numbers)}`
PLACES = {
    "train": ("OmbriaS{0}/train", "S{0}_before_{1}", "S{0}_after_{1}", "S{0}_mask_{1}"),
    "test": ("OmbriaS{0}/test", "S{0}_before_{1}", "S{0}_after_{1}", "S{0}_mask_{1}"),
    "2021/ALBANIA": ("2021/ALBANIA/Sentinel{0}", "imbefore_{1}", "imafter_{1}", "gt_{1}"),
    "2021/GUYANA": ("2021/GUYANA/Sentinel{0}", "imbefore_{1}", "imafter_{1}", "gt_{1}"),
}
NUMBERS = {
    "train": ["0001", "0003", "0014"],
    "test": ["0013"],
    "2021/ALBANIA": ["2", "10"],
    "2021/GUYANA": ["2"],
}
IDS = {
    "train": ["train/0001", "train/0003", "train/0014"],
    "validation": ["test/0013"],
    "test": ["2021/ALBANIA/10", "2021/ALBANIA/2", "2021/GUYANA/2"],
}


def arrays(name):
    """The images of a chip and its mask (0 and 255), different ones for each name."""
    rng = np.random.default_rng(list(name.encode()))
    images = {
        column: rng.integers(1, 256, (*SIZE, 3) if column.startswith("rgb") else SIZE, np.uint8)
        for column in ("rgb", "sar", "rgb_before", "sar_before")
    }
    images["rgb"][2:4, 3:7] = 0  # no data
    images["rgb"][5, 5] = 0, 0, 9
    images["rgb_before"][0, 0] = 0  # no data before: the label stays
    images["mask"] = np.where(rng.random(SIZE) < 0.4, np.uint8(255), np.uint8(0))
    return images


def png(array):
    buffer = io.BytesIO()
    PIL.Image.fromarray(array).save(buffer, "png")
    return buffer.getvalue()


def files():
    """Dictionary from path to bytes."""
    found = {"README.md": b"# OMBRIA\n", "UNET.ipynb": b"{}"}
    for place, (folder, before, after, mask) in PLACES.items():
        for number in NUMBERS[place]:
            images = arrays(f"{place}/{number}")
            for satellite, column in ((1, "sar"), (2, "rgb")):
                for kind, name, image in (
                    ("BEFORE", before, images[f"{column}_before"]),
                    ("AFTER", after, images[column]),
                    ("MASK", mask, images["mask"]),
                ):
                    path = f"{folder}/{kind}/{name}.png".format(satellite, number)
                    found[path] = png(image)
    return found


def write_folder(folder, contents):
    """Writes a clone."""
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def write_zip(folder, contents, name="OMBRIA-master"):
    """Writes a zip as GitHub makes them."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as file:
        file.writestr(f"{name}/", b"")
        for path, data in contents.items():
            file.writestr(f"{name}/{path}", data)
