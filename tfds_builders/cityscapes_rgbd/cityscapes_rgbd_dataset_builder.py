"""TFDS builder `cityscapes_rgbd`: Cityscapes with labels, disparity and depth."""

from typing import ClassVar

import numpy as np
import tensorflow_datasets.public_api as tfds

from tfds_builders.cityscapes_rgbd.classes import CLASS_NAMES
from tfds_builders.cityscapes_rgbd.config import CityscapesRGBDConfig
from tfds_builders.cityscapes_rgbd.depth import MAX_DEPTH, UNITS_PER_METRE
from tfds_builders.cityscapes_rgbd.frames import find_frames, open_archives, read_frame


class Builder(tfds.core.GeneratorBasedBuilder):
    """Street scenes of 50 cities: RGB, 19 classes, stereo disparity and depth.

    Raises:
        ValueError: While building, if an archive, a member or a frame is missing or wrong. The
            message names archive and member.

    Example:

    >>> import tensorflow_datasets as tfds
    >>> import tfds_builders
    >>> tfds.load("cityscapes_rgbd/half", split="train", data_dir=...)
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First version."}
    BUILDER_CONFIGS: ClassVar = [CityscapesRGBDConfig(1), CityscapesRGBDConfig(2)]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Register at https://www.cityscapes-dataset.com/ and put leftImg8bit_trainvaltest.zip, "
        "gtFine_trainvaltest.zip, disparity_trainvaltest.zip and camera_trainvaltest.zip, or the "
        "folders leftImg8bit, gtFine, disparity and camera unpacked of them, into the manual_dir."
    )

    def __init__(self, *, config=None, **kwargs):
        # TFDS refuses an equal copy of a configuration that it knows; its name does as well.
        if config in self.BUILDER_CONFIGS:
            config = config.name
        super().__init__(config=config, **kwargs)

    def _info(self):
        shape = self.builder_config.shape

        def image(dtype, channels, doc):
            return tfds.features.Image(
                shape=(*shape, channels), dtype=dtype, encoding_format="png", doc=doc
            )

        features = {
            "id": tfds.features.Text(doc="City, sequence and frame."),
            "rgb": image(np.uint8, 3, "The left camera's picture."),
            "label": tfds.features.LabeledImage(
                labels=list(CLASS_NAMES),
                shape=(*shape, 1),
                dtype=np.uint8,
                encoding_format="png",
                doc="Class index, 255 = void. All void in the test split.",
            ),
            "depth": image(
                np.uint16, 1, f"Along the optical axis, 1/{UNITS_PER_METRE} m, 0 = hole."
            ),
            "disparity": image(
                np.uint16, 1, "As stored: (p - 1) / 256 pixels of the full resolution, 0 = hole."
            ),
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features),
            homepage="https://www.cityscapes-dataset.com/",
            metadata=tfds.core.MetadataDict(units_per_metre=UNITS_PER_METRE, max_depth=MAX_DEPTH),
        )

    def _split_generators(self, dl_manager):
        archives = open_archives(dl_manager.manual_dir)
        splits = {}
        for split, number in self.builder_config.num_examples.items():
            frames = find_frames(archives, split)
            if len(frames) != number:
                raise ValueError(
                    f"{archives['leftImg8bit'].path}: split {split!r} must have {number} frames. "
                    f"Received: {len(frames)}. Complete the archives, or build what is there with "
                    f"CityscapesRGBDConfig(num_examples={{{split!r}: {len(frames)}}})."
                )
            splits[split] = frames
        return {
            split: self._generate_examples(archives, split, frames)
            for split, frames in splits.items()
        }

    def _generate_examples(self, archives, split, frames):
        config = self.builder_config
        for frame in frames:
            images = read_frame(archives, split, frame, config.frame_size, config.divisor)
            yield frame, {"id": frame, **images}
