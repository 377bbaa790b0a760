"""What is between the camera and the room, and how the room is lit."""

import dataclasses
import math

import numpy as np

from tfds_builders.rendered_rooms.shading import patches

CONDITIONS = ("light", "dark", "fog", "glare", "dust")


@dataclasses.dataclass(frozen=True)
class Air:
    """Light and air of one frame.

    Attributes:
        condition: One of `CONDITIONS`.
        light: Factor of the room's light.
        extinction: Of visible light, `(height, width)` in 1/m.
        color: Light that the air scatters into the camera, linear, three values.
        glare: Stray light of a lamp that shines into the lenses, `(height, width)`, linear.
        particles: Share of the pixels before which a grain floats.
    """

    condition: str
    light: float
    extinction: np.ndarray
    color: tuple
    glare: np.ndarray
    particles: float = 0.0

    def through(self, distance, factor=1.0):
        """Share of the light that is left after a way (Beer and Lambert), `(height, width)`.

        Args:
            distance: Metres, `(height, width)`.
            factor: How much more than visible light is lost.
        """
        return np.exp(-np.float32(factor) * self.extinction * distance)


def sample_air(rng, condition, height, width):
    """Draws light and air.

    Args:
        rng: A `np.random.Generator`.
        condition: One of `CONDITIONS`.
        height, width: Size in pixels.
    """
    light, extinction, color, particles = rng.uniform(0.85, 1.1), 0.0, (0.0, 0.0, 0.0), 0.0
    glare = np.zeros((height, width), np.float32)
    if condition == "dark":
        light = math.exp(rng.uniform(math.log(0.001), math.log(0.01)))
    elif condition == "fog":
        extinction = rng.uniform(0.3, 0.7)
        color = tuple(rng.uniform(0.45, 0.65) * np.array([0.98, 1.0, 1.02]))
    elif condition == "dust":
        extinction = rng.uniform(0.2, 0.45)
        color = tuple(rng.uniform(0.3, 0.45) * np.array([1.15, 0.95, 0.7]))
        particles = rng.uniform(0.03, 0.08)
    elif condition == "glare":
        glare = _glare(rng, height, width)
    field = np.full((height, width), extinction, np.float32)
    if extinction:
        field *= 0.6 + 0.8 * patches(rng, height, width, width / 4)
    return Air(condition, light, field, color, glare, particles)


def _glare(rng, height, width):
    """A lamp in the picture: its disk, a veil around it and a streak."""
    x = (np.arange(width) / width - rng.uniform(0.15, 0.85))[None, :]
    y = (np.arange(height) / width - rng.uniform(0.05, 0.45) * height / width)[:, None]
    away = np.sqrt(x * x + y * y)
    strength = rng.uniform(0.8, 1.6)
    veil = 1 / (1 + (away / 0.09) ** 2)
    streak = 0.5 * np.exp(-np.abs(y) / 0.015) / (1 + (x / 0.3) ** 2)
    return np.float32(strength * (veil + streak) + 3 * (away < 0.04))
