"""Writes small folders of Taskonomy's layouts."""

import numpy as np
import PIL.Image

SIZE = (6, 8)
DOMAINS = ("rgb", "normal", "depth_euclidean", "segment_unsup2d")
VIEWS = ("point_0_view_0", "point_0_view_3", "point_17_view_2")
BUILDINGS = {"train": ["allensville", "beechwood"], "validation": ["corozal"], "test": ["darden"]}
# Of the domains' folders.
LAYOUTS = {
    "flat": "{domain}",
    "buildings": "{domain}/{building}",
    "omnidata": "{domain}/taskonomy/{building}",
}


def array(domain, building, view):
    """The image of a file, a different one for each."""
    rng = np.random.default_rng(list(f"{domain}{building}{view}".encode()))
    if domain in ("depth_euclidean", "depth_zbuffer", "edge_texture", "edge_occlusion"):
        depth = rng.integers(0, 65536, SIZE, np.uint16)
        depth[0, :2] = 65535
        return depth
    shape = SIZE if domain.startswith("segment") else (*SIZE, 3)
    return rng.integers(0, 256, shape, np.uint8)


def path(domain, building, view, layout="buildings"):
    """Path of a file, relative to the folder."""
    folder = LAYOUTS[layout].format(domain=domain, building=building)
    return f"{folder}/{view}_domain_{domain}.png"


def save(file, values):
    """Writes a PNG and the folders it lies in."""
    file.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(values).save(file)


def write(root, layout="buildings", domains=DOMAINS, buildings=None):
    """Writes all files of some buildings (of the flat layout, which knows none: of one)."""
    if buildings is None:
        buildings = (
            [*BUILDINGS["train"], "corozal", "darden"] if layout != "flat" else ["allensville"]
        )
    for domain in domains:
        for building in buildings:
            for view in VIEWS:
                file = root / path(domain, building, view, layout)
                save(file, array(domain, building, view))


def write_splits(folder, name="tiny"):
    """Writes an official split file: its lines end with a bare CR."""
    lines = ["id,train,val,test"]
    for split, buildings in BUILDINGS.items():
        flags = ",".join(str(int(split == other)) for other in BUILDINGS)
        lines += [f"{building},{flags}" for building in buildings]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"train_val_test_{name}.csv").write_bytes(("\r".join(lines) + "\r").encode())
