"""TFDS builder `nyudv2_rgbd`: NYUDv2 with RGB, depth and 40 or 13 classes."""

import functools
import itertools
import pathlib
from typing import ClassVar

import numpy as np
import tensorflow_datasets.public_api as tfds

from tfds_builders.nyudv2_rgbd.config import NYUDv2Config
from tfds_builders.nyudv2_rgbd.folder_source import FolderSource
from tfds_builders.nyudv2_rgbd.mat_source import MatSource
from tfds_builders.reading import shards

# The papers' unit; the largest depth is 13.1 metres.
UNITS_PER_METRE = 5000


class Builder(tfds.core.ShardBasedBuilder):
    """NYUDv2: 795 frames to train, 654 to test, in a fixed random order.

    Example:

    >>> import tensorflow_datasets as tfds
    >>> import tfds_builders
    >>> tfds.load("nyudv2_rgbd/40_classes", split="train", data_dir=...)
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First version."}
    BUILDER_CONFIGS: ClassVar = [
        *(
            NYUDv2Config(num_classes, raw_depth=raw_depth, full_frame=full_frame)
            for num_classes, raw_depth, full_frame in itertools.product(
                (40, 13), (False, True), (False, True)
            )
        ),
        NYUDv2Config(40, "folder"),
        NYUDv2Config(13, "folder"),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    Put these files into one folder and name it with --manual_dir:
    nyu_depth_v2_labeled.mat from
    http://horatio.cs.nyu.edu/mit/silberman/nyu_depth_v2/nyu_depth_v2_labeled.mat,
    splits.mat from http://horatio.cs.nyu.edu/mit/silberman/indoor_seg_sup/splits.mat,
    classMapping40.mat from https://github.com/ankurhanda/nyuv2-meta-data.
    For the configurations *_folder: the papers' folder, with train.txt and val.txt.
    """

    def _info(self):
        config = self.builder_config

        def shape(channels):
            return (*config.size, channels)

        features = {
            "id": tfds.features.Text(doc="Number of the frame from 1, or path of its RGB image."),
            "rgb": tfds.features.Image(shape=shape(3), dtype=np.uint8, encoding_format="png"),
            "depth": tfds.features.Image(shape=shape(1), dtype=np.uint16, encoding_format="png"),
            "label": tfds.features.LabeledImage(
                labels=list(config.class_names),
                shape=shape(1),
                dtype=np.uint8,
                encoding_format="png",
            ),
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features),
            homepage="https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html",
            metadata=tfds.core.MetadataDict(units_per_metre=UNITS_PER_METRE),
        )

    def _shard_iterators_per_split(self, dl_manager):
        folder = pathlib.Path(dl_manager.manual_dir)
        if self.builder_config.source == "folder":
            source = FolderSource(folder, self.builder_config)
        else:
            source = MatSource(folder, self.builder_config, UNITS_PER_METRE)
        return {
            split: [functools.partial(source.examples, shard) for shard in shards(keys)]
            for split, keys in source.splits().items()
        }
