"""NYUDv2 from the official `.mat` files."""

import numpy as np

from tfds_builders.multimodal_folder.sizes import center_crop
from tfds_builders.nyudv2_rgbd.label_tables import train_ids
from tfds_builders.nyudv2_rgbd.labeled_mat import LabeledMat
from tfds_builders.reading import encode_metres, load_mat, open_hdf5

_SPLITS = {"train": "trainNdxs", "test": "testNdxs"}


class MatSource:
    """Reads `nyu_depth_v2_labeled.mat`, `splits.mat` and `classMapping40.mat`.

    Args:
        folder: The folder that they are in.
        config: A `NYUDv2Config`.
        units_per_metre: Unit of the depth that is given.
    """

    def __init__(self, folder, config, units_per_metre):
        self._path = folder / "nyu_depth_v2_labeled.mat"
        self._splits_path = folder / "splits.mat"
        self._config = config
        self._units_per_metre = units_per_metre
        self._train_ids = train_ids(folder, config.num_classes)

    def splits(self):
        """Dictionary from split to indices of frames, from 0. Opens all files, reads no frame."""
        if not self._splits_path.is_file():
            raise ValueError(f"{self._splits_path}: there is no such file.")
        numbers = load_mat(
            self._splits_path.read_bytes(), self._splits_path, list(_SPLITS.values())
        )
        with open_hdf5(self._path) as file:
            frames = len(LabeledMat(file, self._path, self._config.raw_depth))
        splits = {split: n.ravel().astype(np.int64) for split, n in zip(_SPLITS, numbers, strict=1)}
        together = np.concatenate(list(splits.values()))
        for split, variable in _SPLITS.items():
            if not splits[split].size:
                raise ValueError(f"{self._splits_path}: {variable} must not be empty.")
        if together.min() < 1 or together.max() > frames:
            raise ValueError(
                f"{self._splits_path}: numbers must be in 1..{frames}, the frames of {self._path}. "
                f"Received: {together.min()}..{together.max()}"
            )
        if np.unique(together).size < together.size:
            raise ValueError(f"{self._splits_path}: a frame stands twice in {_SPLITS}.")
        return {split: (n - 1).tolist() for split, n in splits.items()}

    def examples(self, indices):
        """Yields key and example of each frame, one after another."""
        with open_hdf5(self._path) as file:
            mat = LabeledMat(file, self._path, self._config.raw_depth)
            for index in indices:
                depth = encode_metres(
                    mat.metres(index), self._units_per_metre, mat.depth_name(index)
                )
                images = {
                    "rgb": mat.rgb(index),
                    "depth": depth,
                    "label": self._train_ids[mat.labels(index)],
                }
                for name, image in images.items():
                    images[name] = np.ascontiguousarray(center_crop(image, *self._config.size))
                yield index, {"id": f"{index + 1:06d}", **images}
