"""TFDS builder `ombria`: floods seen by Sentinel-2 and Sentinel-1, before and after."""

from typing import ClassVar

import numpy as np
import tensorflow_datasets.public_api as tfds

from tfds_builders.ombria.chips import (
    CLASS_NAMES,
    SENSORS,
    find_chips,
    open_repository,
    read_chip,
)


class Builder(tfds.core.GeneratorBasedBuilder):
    """OMBRIA: flooded land in four aligned sensors, the floods of 2021 held out as `test`.

    Raises:
        ValueError: While building, if a file is missing or wrong. The message names the clone or
            zip, and the file.

    Example:

    >>> import tensorflow_datasets as tfds
    >>> import tfds_builders
    >>> tfds.load("ombria", split="train", data_dir=...)
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First version."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put a clone of https://github.com/geodrak/OMBRIA, or its OMBRIA-master.zip, into a folder "
        "and name it with --manual_dir. The repository states no licence."
    )

    def _info(self):
        def image(channels, doc):
            return tfds.features.Image(
                shape=(None, None, channels), dtype=np.uint8, encoding_format="png", doc=doc
            )

        colours, radar = "Sentinel-2, 0, 0, 0 = no data", "Sentinel-1, stretched for each image"
        times = {"": "after the flood.", "_before": "before the flood."}
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "id": tfds.features.Text(doc="Folder and number."),
                    **{
                        name: image(
                            channels,
                            f"{colours if channels == 3 else radar}, {times[name[3:]]}",
                        )
                        for name, (_, _, channels) in SENSORS.items()
                    },
                    "label": tfds.features.LabeledImage(
                        labels=list(CLASS_NAMES),
                        shape=(None, None, 1),
                        dtype=np.uint8,
                        encoding_format="png",
                        doc="0 dry, 1 flooded, 255 = no data in Sentinel-2 after the flood.",
                    ),
                }
            ),
            homepage="https://github.com/geodrak/OMBRIA",
        )

    def _split_generators(self, dl_manager):
        archive, top = open_repository(dl_manager.manual_dir)
        return {
            split: self._generate_examples(archive, chips)
            for split, chips in find_chips(archive, top).items()
        }

    def _generate_examples(self, archive, chips):
        for chip in chips:
            yield chip.name, {"id": chip.name, **read_chip(archive, chip)}
