"""TFDS builder `multimodal_folder`: any folder of aligned images with list files."""

from typing import ClassVar

import numpy as np
import tensorflow_datasets.public_api as tfds

from tfds_builders.multimodal_folder.config import MultimodalFolderConfig
from tfds_builders.multimodal_folder.example import read_example
from tfds_builders.multimodal_folder.list_file import read_list_file
from tfds_builders.reading.geotiff import declared_nodata


def _fits_png(image):
    """Whether TFDS can keep it as PNG, which is smaller."""
    channels = image.shape[-1]
    if image.dtype == np.float32:
        return channels == 1
    return image.dtype in (np.uint8, np.uint16) and channels in (1, 3, 4)


class Builder(tfds.core.GeneratorBasedBuilder):
    """A data set from a folder: any modalities, any number of them, with masks or without.

    Features are the columns, `(height, width, channels)` of the type found in the first example
    (all others must agree), and `id`, the path in the first column. Sizes may differ between
    examples.

    Args:
        root, lists, columns, num_classes, class_names, label_column, crop_to, resize, label_values,
            void_values: As in `MultimodalFolderConfig`.
        config: A `MultimodalFolderConfig` in place of these.
        **kwargs: Of `tfds.core.GeneratorBasedBuilder`: `data_dir`, `file_format`.

    Raises:
        ValueError: If arguments, lists or images are wrong. Where it is about an image, the message
            names list file, line and image file.

    Example:

    >>> from tfds_builders.multimodal_folder import MultimodalFolder
    >>> builder = MultimodalFolder(
    ...     root="nyudv2",
    ...     lists={"train": "train.txt", "test": "val.txt"},
    ...     columns=("rgb", "label", "depth"),
    ...     num_classes=40,
    ... )
    >>> builder.download_and_prepare()
    >>> dataset = builder.as_dataset(split="train")
    """

    VERSION = tfds.core.Version("1.2.0")
    RELEASE_NOTES: ClassVar = {
        "1.0.0": "First version.",
        "1.1.0": "Upright as EXIF says; cropped by at most 2.5 %; stamps in the metadata.",
        "1.2.0": "Bands of any number (GeoTIFF), NIfTI; values without data in the metadata.",
    }

    def __init__(
        self, *, root=None, lists=None, config=None, data_dir=None, version=None, **kwargs
    ):
        names = ("columns", "num_classes", "class_names", "label_column", "crop_to", "resize")
        names += ("label_values", "void_values")
        options = {name: kwargs.pop(name) for name in names if name in kwargs}
        if config is None:
            if root is None or lists is None:
                raise ValueError(
                    "`root` and `lists` must be given, as root='folder', "
                    f"lists={{'train': 'train.txt'}}. Received: root={root!r}, lists={lists!r}"
                )
            config = MultimodalFolderConfig(root, lists, **options)
        elif root is not None or lists is not None or options:
            raise ValueError("`config` must be given alone, without `root`, `lists` or columns.")
        super().__init__(config=config, data_dir=data_dir, version=version, **kwargs)

    def _rows(self, split):
        return read_list_file(self.builder_config.lists[split], self.builder_config.columns)

    def _read(self, row):
        config = self.builder_config
        return read_example(
            config.root,
            row,
            config.label_column,
            config.crop_to,
            config.num_classes,
            config.resize,
            config.label_values,
            config.void_values,
        )

    def _nodata(self, row):
        """`{column: value}` of the files that declare a value for pixels without data."""
        files = {column: row.file(self.builder_config.root, column) for column in row.paths}
        found = {
            column: declared_nodata(file.read_bytes())
            for column, file in files.items()
            if file.suffix.lower() in (".tif", ".tiff")
        }
        return {column: value for column, value in found.items() if value is not None}

    def _info(self):
        config = self.builder_config
        row = self._rows(next(iter(config.lists)))[0]
        first = self._read(row)
        features = {"id": tfds.features.Text(doc=f"Path in the column {config.columns[0]!r}.")}
        for column, image in first.items():
            shape = (None, None, image.shape[-1])
            if column == config.label_column:
                labels = config.num_classes if config.class_names is None else config.class_names
                features[column] = tfds.features.LabeledImage(
                    labels=labels if isinstance(labels, int) else list(labels),
                    shape=shape,
                    dtype=np.uint8,
                    encoding_format="png",
                )
            elif _fits_png(image):
                features[column] = tfds.features.Image(
                    shape=shape, dtype=image.dtype, encoding_format="png"
                )
            else:
                features[column] = tfds.features.Tensor(
                    shape=shape, dtype=image.dtype, encoding="zlib"
                )
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features),
            metadata=tfds.core.MetadataDict(stamps=config.stamps, nodata=self._nodata(row)),
        )

    def _split_generators(self, dl_manager):
        del dl_manager
        splits = {split: self._rows(split) for split in self.builder_config.lists}
        # A missing file should not come out after an hour of decoding.
        for rows in splits.values():
            for row in rows:
                row.require(self.builder_config.root)
        return {split: self._generate_examples(rows) for split, rows in splits.items()}

    def _generate_examples(self, rows):
        expected_nodata = self.info.metadata["nodata"]
        for row in rows:
            images = self._read(row)
            nodata = self._nodata(row)
            if nodata != expected_nodata:
                raise row.error(
                    "all images of a column must declare one value for pixels without data "
                    f"(GDAL's nodata). Received: {nodata} after {expected_nodata}. Write "
                    "them alike: gdal_translate -a_nodata VALUE"
                )
            for column, image in images.items():
                feature = self.info.features[column]
                expected = np.dtype(feature.np_dtype), feature.shape[-1]
                if (image.dtype, image.shape[-1]) != expected:
                    raise row.error(
                        f"{row.paths[column]}: all images of column {column!r} must have one type. "
                        f"Received: {image.dtype} with {image.shape[-1]} channels after "
                        f"{expected[0]} with {expected[1]} channels"
                    )
            yield row.line, {"id": next(iter(row.paths.values())), **images}
