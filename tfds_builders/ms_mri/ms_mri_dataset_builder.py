"""TFDS builder `ms_mri`: slices of brain MRI in four aligned sequences, with lesions."""

from typing import ClassVar

import numpy as np
import tensorflow_datasets.public_api as tfds

from tfds_builders.ms_mri.patients import (
    CLASS_NAMES,
    SEQUENCES,
    SIZE,
    find_patients,
    open_repository,
    read_patient,
)


class Builder(tfds.core.GeneratorBasedBuilder):
    """Axial slices of brains in FLAIR, T1, T2 and T1 with contrast agent, split by patient.

    Raises:
        ValueError: While building, if a file is missing or wrong, or nibabel is not installed. The
            message names the clone and the file.

    Example:

    >>> import tensorflow_datasets as tfds
    >>> import tfds_builders
    >>> tfds.load("ms_mri", split="train", data_dir=...)
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First version."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put a clone of https://github.com/muschellij2/open_ms_data into a folder and name it with "
        "--manual_dir; of the clone, cross_sectional/MNI is read."
    )

    def _info(self):
        features = {"id": tfds.features.Text(doc="Patient and number of the slice, from below.")}
        for name in SEQUENCES:
            features[name] = tfds.features.Image(
                shape=(*SIZE, 1),
                dtype=np.uint8,
                encoding_format="png",
                doc="255 = the patient's 99.5th percentile, 0 outside of the brain.",
            )
        features["label"] = tfds.features.LabeledImage(
            labels=list(CLASS_NAMES),
            shape=(*SIZE, 1),
            dtype=np.uint8,
            encoding_format="png",
            doc="0 brain, 1 lesion, 255 outside of the brain.",
        )
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features),
            homepage="https://github.com/muschellij2/open_ms_data",
            license="CC BY",
        )

    def _split_generators(self, dl_manager):
        archive = open_repository(dl_manager.manual_dir)
        return {
            split: self._generate_examples(archive, patients)
            for split, patients in find_patients(archive).items()
        }

    def _generate_examples(self, archive, patients):
        for patient in patients:
            for number, images in read_patient(archive, patient):
                name = f"{patient.name}/{number:03d}"
                yield name, {"id": name, **images}
