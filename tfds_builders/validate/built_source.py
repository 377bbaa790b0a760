"""Examples of a data set that TFDS has built."""

import os
import pathlib

import tensorflow_datasets.public_api as tfds

from tfds_builders.validate.example import Example


def find_built(name, data_dir=None):
    """The folder of a built data set.

    Args:
        name: `NAME`, `NAME/CONFIG` or `NAME/CONFIG/VERSION`, or the folder itself.
        data_dir: Where TFDS keeps what it builds.

    Returns:
        Path of the folder with `dataset_info.json`.

    Raises:
        ValueError: If there is none, or more than one.
    """
    if (pathlib.Path(name) / "dataset_info.json").is_file():
        return pathlib.Path(name)
    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    data_dir = pathlib.Path(data_dir).expanduser()
    name = name.replace(":", "/")
    found = sorted(
        path.parent
        for path in (data_dir / name).rglob("dataset_info.json")
        if "incomplete" not in path.parent.name
    )
    if not found:
        raise ValueError(
            f"{name!r} must be a folder, or a data set that is built in {data_dir} (or pass "
            "--data_dir). Received: neither"
        )
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(data_dir)) for path in found)
        raise ValueError(f"{name!r} must name one data set. Received: one of {names}")
    return found[0]


class BuiltSource:
    """A data set that TFDS has built; its images alone are looked at.

    Args:
        path: Folder with `dataset_info.json`.
    """

    may_be_cropped = False
    resized = ()

    def __init__(self, path):
        self.builder = tfds.builder_from_directory(path)
        features = self.builder.info.features
        images = {
            name
            for name, feature in features.items()
            if isinstance(feature, tfds.features.Tensor | tfds.features.Image)
            and len(feature.shape) == 3
        }
        first = [name for name in ("rgb", "label", "depth") if name in images]
        self.columns = (*first, *sorted(images - set(first)))
        label = dict(features).get("label")
        self.class_names = list(label.names) if hasattr(label, "names") else None
        self.num_classes = len(self.class_names) if self.class_names else None
        metadata = self.builder.info.metadata or {}
        self.units_per_metre = metadata.get("units_per_metre")
        self.invalid = metadata.get("invalid") or {}
        self.splits = {
            split: range(info.num_examples) for split, info in self.builder.info.splits.items()
        }
        self.faults = []

    @property
    def title(self):
        return f"data set {self.builder.info.full_name}"

    def __iter__(self):
        """Yields an `Example` for each example; a split ends where it cannot be read."""
        for split, numbers in self.splits.items():
            number = 0
            dataset = self.builder.as_dataset(split=split, shuffle_files=False)
            try:
                for number, features in enumerate(tfds.as_numpy(dataset), start=1):
                    name = features.get("id", str(number - 1))
                    name = name.decode() if isinstance(name, bytes) else str(name)
                    images = {column: features[column] for column in self.columns}
                    yield Example(split, name, images)
            except Exception as error:  # damaged shards raise errors of many kinds
                self.faults.append(
                    f"split {split!r} cannot be read after {number} of {len(numbers)} examples: "
                    f"{str(error).splitlines()[0]}"
                )
