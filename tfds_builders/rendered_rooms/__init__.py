"""Rendered rooms: a small synthetic multimodal data set, drawn by a NumPy ray caster."""

from tfds_builders.rendered_rooms.class_names import CLASS_NAMES
from tfds_builders.rendered_rooms.render import FIELD_OF_VIEW, focal_length, render
from tfds_builders.rendered_rooms.suite import render_sensors

__all__ = ["CLASS_NAMES", "FIELD_OF_VIEW", "focal_length", "render", "render_sensors"]
