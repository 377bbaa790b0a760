"""Writes small files in the layout of NYUDv2's official ones and of the papers' folder."""

import h5py
import numpy as np
import PIL.Image
import scipy.io

FRAMES = 3
TRAIN, TEST = [3, 1], [2]  # numbered from 1, as in MATLAB
MAP_CLASS = np.arange(894, dtype=np.uint8) * 7 % 40 + 1


def blocks(rng, low, high, dtype, channels=()):
    """Random values in blocks of 20x20: quickly encoded, and not symmetric."""
    small = rng.uniform(low, high, (24, 32, *channels)).astype(dtype)
    return small.repeat(20, axis=0).repeat(20, axis=1)


def make_frames(number=FRAMES):
    """A list of dictionaries: rgb, depth and raw depth in metres, labels 0..894; 480x640."""
    frames = []
    for index in range(number):
        rng = np.random.default_rng(index)
        frame = {
            "rgb": blocks(rng, 0, 256, np.uint8, (3,)),
            "depth": blocks(rng, 0.7, 9.99, np.float32),
            "label": blocks(rng, 0, 895, np.uint16),
        }
        frame["raw"] = np.where(blocks(rng, 0, 1, np.float32) < 0.2, np.float32(0), frame["depth"])
        frames.append(frame)
    return frames


def write_labeled_mat(path, frames, **replaced):
    """HDF5 with a MATLAB header, reversed axes and object references."""
    variables = {
        "images": np.stack([frame["rgb"].transpose(2, 1, 0) for frame in frames]),
        "depths": np.stack([frame["depth"].T for frame in frames]),
        "rawDepths": np.stack([frame["raw"].T for frame in frames]),
        "labels": np.stack([frame["label"].T for frame in frames]),
        **replaced,
    }
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in variables.items():
            if array is not None:
                file.create_dataset(name, data=array, compression=1, chunks=(1, *array.shape[1:]))
        names = file.create_dataset("names", (1, 2), h5py.ref_dtype)
        for i, text in enumerate(("book", "bottle")):
            file[f"#refs#/{i}"] = np.array([[ord(c)] for c in text], np.uint16)
            names[0, i] = file[f"#refs#/{i}"].ref
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")


def write_official(folder, frames):
    """`nyu_depth_v2_labeled.mat`, `splits.mat` and `classMapping40.mat`."""
    write_labeled_mat(folder / "nyu_depth_v2_labeled.mat", frames)
    columns = {
        name: np.array(numbers, np.uint16)[:, None]
        for name, numbers in (("trainNdxs", TRAIN), ("testNdxs", TEST))
    }
    scipy.io.savemat(folder / "splits.mat", columns)
    scipy.io.savemat(folder / "classMapping40.mat", {"mapClass": MAP_CLASS[None]})


def palette_image(indices):
    image = PIL.Image.fromarray(indices)
    image.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    return image


def write_papers_folder(folder, frames):
    """`train.txt`, `val.txt` and images: 468x625, 40 classes, depth 480x640 in 1/5000 metres."""
    for number, frame in enumerate(frames, start=1):
        images = {
            "rgb": PIL.Image.fromarray(frame["rgb"][6:474, 7:632]),
            "masks": palette_image(papers_mask(frame)),
            "depth": PIL.Image.fromarray(np.rint(frame["raw"] * 5000.0).astype(np.uint16)),
        }
        for name, image in images.items():
            (folder / name).mkdir(exist_ok=True)
            image.save(folder / name / f"{number:06d}.png")
    for name, numbers in (("train.txt", TRAIN), ("val.txt", TEST)):
        lines = [f"rgb/{n:06d}.png\tmasks/{n:06d}.png\tdepth/{n:06d}.png" for n in numbers]
        (folder / name).write_text("\n".join(lines))


def papers_mask(frame):
    """Train ids of 40 classes, 255 = void."""
    table = np.concatenate([[255], MAP_CLASS - 1]).astype(np.uint8)
    return np.ascontiguousarray(table[frame["label"]][6:474, 7:632])
