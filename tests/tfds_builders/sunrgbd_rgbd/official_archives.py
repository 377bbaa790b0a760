"""Writes small archives in the layout of SUN RGB-D's official ones."""

import dataclasses
import io
import zipfile

import h5py
import numpy as np
import PIL.Image
import scipy.io

META = "SUNRGBDtoolbox/Metadata/SUNRGBDMeta.mat"
SPLITS = "SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat"
LABELS = "SUNRGBDtoolbox/Metadata/SUNRGBD2Dseg.mat"
FOLDERS = {
    "SUNRGBD/kv1/NYUdata/NYU0001": (12, 16),
    "SUNRGBD/kv2/kinect2data/000002_2014-05-26": (15, 21),
    "SUNRGBD/realsense/sa/2014_10_21-18_15_14": (14, 19),
    "SUNRGBD/xtion/sun3ddata/hotel/0000001": (12, 16),
    "SUNRGBD/kv1/b3dodata/img_0063": (12, 16),
}
TRAIN, TEST = [4, 0, 2], [1, 3]  # positions in FOLDERS
AUTHORS = "/n/fs/sun3d/data/"


@dataclasses.dataclass
class Frame:
    """One frame, with its depths in millimetres before clipping and its labels 0..37."""

    folder: str
    rgb_file: bytes
    depth: np.ndarray
    raw: np.ndarray
    label: np.ndarray

    @property
    def name(self):
        return self.folder.rsplit("/", 1)[1]


def image_bytes(array, file_format="png"):
    buffer = io.BytesIO()
    PIL.Image.fromarray(array).save(buffer, file_format)
    return buffer.getvalue()


def make_frames():
    frames = []
    for index, (folder, size) in enumerate(FOLDERS.items()):
        rng = np.random.default_rng(index)
        depth = rng.integers(500, 8192, size, np.uint16)
        raw = np.where(rng.random(size) < 0.3, np.uint16(0), depth)
        rgb = image_bytes(rng.integers(0, 256, (*size, 3), np.uint8), "jpeg")
        label = rng.integers(0, 38, size, np.uint8)
        frames.append(Frame(folder, rgb, depth, raw, label))
    return frames


def rotated(millimetres):
    """As the files store it: the highest three bits of 16 come last."""
    wide = millimetres.astype(np.uint32)
    return ((wide << 3) % 65536 + (wide >> 13)).astype(np.uint16)


def image_members(frames):
    """Dictionary from path in `SUNRGBD.zip` to bytes."""
    members = {}
    for frame in frames:
        members[f"{frame.folder}/image/{frame.name}.jpg"] = frame.rgb_file
        members[f"{frame.folder}/depth_bfx/{frame.name}.png"] = image_bytes(rotated(frame.depth))
        members[f"{frame.folder}/depth/{frame.name}.png"] = image_bytes(rotated(frame.raw))
        members[f"{frame.folder}/intrinsics.txt"] = b"518.8 0 284.5 0 519.4 208.7 0 0 1"
    return members


def mat_bytes(**variables):
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, variables)
    return buffer.getvalue()


def cells(strings):
    """A MATLAB cell array."""
    array = np.empty((1, len(strings)), object)
    array[0] = strings
    return array


def meta_bytes(frames, **replaced):
    """A struct array of MAT v5. `replaced` has other values for fields of the first frame."""
    fields = ("sequenceName", "groundtruth3DBB", "rgbpath", "depthname")
    meta = np.empty((1, len(frames)), [(field, object) for field in fields])
    for entry, frame in zip(meta[0], frames, strict=True):
        path = f"{AUTHORS}{frame.folder}/image/{frame.name}.jpg"
        entry["sequenceName"], entry["groundtruth3DBB"] = frame.folder, []
        entry["rgbpath"], entry["depthname"] = path, f"{frame.name}.png"
    for field, value in replaced.items():
        meta[0, 0][field] = value
    return mat_bytes(SUNRGBDMeta=meta)


def split_bytes(frames, train=(), test=()):
    """Paths as the authors' machine had them, some with further slashes. `train`: more of them."""
    paths = [AUTHORS + frame.folder for frame in frames]
    paths[0] += "/"
    paths[1] = paths[1].replace("data/SUN", "data//SUN")
    return mat_bytes(
        alltrain=cells([*(paths[i] for i in TRAIN), *train]),
        alltest=cells([*(paths[i] for i in TEST), *test]),
    )


def label_bytes(labels):
    """HDF5 with references to transposed arrays."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        references = file.create_dataset("SUNRGBD2Dseg/seglabel", (len(labels), 1), h5py.ref_dtype)
        for index, label in enumerate(labels):
            file[f"#refs#/{index:04d}"] = label.T
            references[index, 0] = file[f"#refs#/{index:04d}"].ref
    return buffer.getvalue()


def toolbox_members(frames):
    """Dictionary from path in `SUNRGBDtoolbox.zip` to bytes."""
    return {
        META: meta_bytes(frames),
        SPLITS: split_bytes(frames),
        LABELS: label_bytes([frame.label for frame in frames]),
    }


def write_zip(path, members):
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)


def write_folder(folder, members):
    for name, data in members.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
