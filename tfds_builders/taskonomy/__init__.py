"""Taskonomy: aligned images of many domains."""

from tfds_builders.taskonomy.config import TaskonomyConfig
from tfds_builders.taskonomy.domains import DOMAINS

__all__ = ["DOMAINS", "TaskonomyConfig"]
