"""TFDS builders. Importing this package registers them with `tfds.load` and `tfds.builder`."""

from tfds_builders.rendered_rooms import rendered_rooms_dataset_builder

__all__ = ["rendered_rooms_dataset_builder"]
