"""Brain MRI of patients with multiple sclerosis in four aligned sequences."""

from tfds_builders.ms_mri.patients import CLASS_NAMES

__all__ = ["CLASS_NAMES"]
