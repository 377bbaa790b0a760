"""TFDS builder `sunrgbd_rgbd`: SUN RGB-D with RGB, depth, 37 classes and the camera."""

import dataclasses
import functools
import pathlib
from typing import ClassVar

import numpy as np
import tensorflow_datasets.public_api as tfds

from tfds_builders.nyudv2_rgbd.class_names import CLASS_NAMES_40
from tfds_builders.reading import expect_image, open_archive, shards
from tfds_builders.sunrgbd_rgbd.depth import UNITS_PER_METRE, decode_depth
from tfds_builders.sunrgbd_rgbd.toolbox import CAMERAS, NUM_CLASSES, Toolbox

# The classes are NYUDv2's first 37.
CLASS_NAMES = CLASS_NAMES_40[:NUM_CLASSES]


@dataclasses.dataclass
class SUNRGBDConfig(tfds.core.BuilderConfig):
    """Which depth is taken.

    Args:
        depth_folder: `"depth_bfx"` for the in-painted one, `"depth"` for the one with holes.
    """

    depth_folder: str = "depth_bfx"


class Builder(tfds.core.ShardBasedBuilder):
    """SUN RGB-D: 5285 frames to train, 5050 to test. All of NYUDv2's frames are among them.

    Example:

    >>> import tensorflow_datasets as tfds
    >>> import tfds_builders
    >>> tfds.load("sunrgbd_rgbd/inpainted", split="train", data_dir=...)
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First version."}
    BUILDER_CONFIGS: ClassVar = [
        SUNRGBDConfig(name="inpainted", description="In-painted depth.", depth_folder="depth_bfx"),
        SUNRGBDConfig(name="raw", description="Depth with holes.", depth_folder="depth"),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    Put SUNRGBD.zip and SUNRGBDtoolbox.zip of https://rgbd.cs.princeton.edu, or the folders SUNRGBD
    and SUNRGBDtoolbox that they unpack to, into one folder and name it with --manual_dir.
    """

    def _info(self):
        def image(dtype, channels):
            return tfds.features.Image(
                shape=(None, None, channels), dtype=dtype, encoding_format="png"
            )

        features = {
            "id": tfds.features.Text(doc="Folder of the frame in SUNRGBD.zip."),
            "rgb": image(np.uint8, 3),
            "depth": image(np.uint16, 1),
            "label": tfds.features.LabeledImage(
                labels=list(CLASS_NAMES),
                shape=(None, None, 1),
                dtype=np.uint8,
                encoding_format="png",
            ),
            "camera": tfds.features.ClassLabel(names=list(CAMERAS)),
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features),
            homepage="https://rgbd.cs.princeton.edu",
            metadata=tfds.core.MetadataDict(units_per_metre=UNITS_PER_METRE),
        )

    def _members(self, frame):
        """Paths of RGB and depth in the archive."""
        folder = self.builder_config.depth_folder
        return f"{frame.folder}/image/{frame.image}", f"{frame.folder}/{folder}/{frame.depth}"

    def _shard_iterators_per_split(self, dl_manager):
        folder = pathlib.Path(dl_manager.manual_dir)
        archive = open_archive(folder, "SUNRGBD.zip", "SUNRGBD")
        toolbox = Toolbox(open_archive(folder, "SUNRGBDtoolbox.zip", "SUNRGBDtoolbox"))
        splits = toolbox.splits()
        # A missing file should not come out after an hour of decoding.
        for frames in splits.values():
            for frame in frames:
                archive.require(self._members(frame))
        return {
            split: [
                functools.partial(self._examples, archive, toolbox, shard)
                for shard in shards(frames)
            ]
            for split, frames in splits.items()
        }

    def _examples(self, archive, toolbox, frames):
        with toolbox.open_labels() as read_label:
            for frame in frames:
                rgb_member, depth_member = self._members(frame)
                rgb, depth = archive.read_image(rgb_member), archive.read_image(depth_member)
                expect_image(rgb, archive.name(rgb_member), np.uint8, 3)
                expect_image(depth, archive.name(depth_member), np.uint16, 1)
                label = read_label(frame)
                sizes = [image.shape[:2] for image in (rgb, depth, label)]
                if len(set(sizes)) > 1:
                    raise archive.error(
                        frame.folder,
                        f"image, depth and label must have one size. Received: {sizes}",
                    )
                yield (
                    frame.folder,
                    {
                        "id": frame.folder,
                        "rgb": rgb,
                        "depth": decode_depth(depth),
                        "label": label,
                        "camera": frame.camera,
                    },
                )
