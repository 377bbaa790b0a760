"""What cameras do to the truth: noise and exposure for RGB, holes and quantization for depth."""

import numpy as np

from tfds_builders.rendered_rooms.shading import patches

# A structured light sensor: baseline in metres, disparity steps per pixel at 640 columns.
_BASELINE = 0.075
_SUBPIXEL = 8


def smooth(image):
    """The lens: a (1, 2, 1) / 4 filter along both axes of `(height, width, channels)`."""
    for axis in (0, 1):
        pad = [(1, 1) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(image, pad, mode="edge")
        n = image.shape[axis]
        low, mid, high = (np.take(padded, range(i, i + n), axis) for i in range(3))
        image = (low + 2 * mid + high) * np.float32(0.25)
    return image


def rgb_camera(rng, light, dark=0.2):
    """An 8-bit picture with random exposure, white balance, dark corners and noise.

    Args:
        rng: A `np.random.Generator`.
        light: `(height, width, 3)` linear float32, 1 is a white wall in full light.
        dark: Probability that the room is dark.

    Returns:
        `(height, width, 3)` uint8.
    """
    height, width, _ = light.shape
    gain = np.exp(rng.normal(0, 0.15))
    if rng.random() < dark:
        gain *= rng.uniform(0.15, 0.35)
    balance = rng.uniform(0.93, 1.07, 3)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    corners = 1 - rng.uniform(0.15, 0.45) * (x * x + y * y) / 2
    light = smooth(light) * np.float32(gain * balance) * np.float32(corners)[..., None]
    read, shot = rng.uniform(0.006, 0.015), rng.uniform(0.015, 0.035)
    sigma = np.sqrt(read**2 + shot**2 * light)
    light = light + sigma * rng.standard_normal(light.shape, dtype=np.float32)
    return (255 * np.clip(light, 0, 1) ** (1 / 2.2) + 0.5).astype(np.uint8)


def depth_sensor(rng, z, cosine, shininess, is_open, focal):
    """A structured light sensor's answer.

    The step of the depth grows with the square of the distance, as does the noise (Nguyen et al.
    2012: sigma = 1.2 mm + 1.9 mm (z - 0.4 m)^2). Holes: surfaces seen at a grazing angle, shiny
    ones in patches, no geometry, and strips beside near objects, which the projector's light does
    not reach.

    Args:
        rng: A `np.random.Generator`.
        z: `(height, width)` exact depth along the optical axis in metres.
        cosine: `(height, width)` cosine between the normal and the ray back to the camera.
        shininess: `(height, width)` share of the surface that is missed.
        is_open: `(height, width)` bool, no geometry.
        focal: Focal length in pixels.

    Returns:
        `(height, width)` uint16 millimetres, 0 where the sensor has no answer.
    """
    height, width = z.shape
    shape = (height, width)
    sigma = 0.0012 + 0.0019 * (z - 0.4) ** 2
    noisy = z + sigma * rng.standard_normal(shape, dtype=np.float32)
    # The sensor measures whole steps of disparity, at its own resolution of 640 columns.
    step = 1 / (_BASELINE * (focal * 640 / width) * _SUBPIXEL)
    noisy = 1 / (np.maximum(np.rint(1 / (noisy * step)), 1) * step)

    grazing = cosine < 0.1 + 0.12 * patches(rng, height, width, width / 40)
    shiny = patches(rng, height, width, width / 20) < 0.8 * shininess
    hole = grazing | shiny | is_open | (z < 0.4)
    hole |= rng.random(shape, dtype=np.float32) < 0.005
    if rng.random() < 0.15:  # a bad day of the sensor
        hole |= patches(rng, height, width, width / 10) < rng.uniform(0.25, 0.45)
    disparity = _BASELINE * focal / z
    for shift in range(1, min(int(np.ceil(disparity.max())), width - 1) + 1):
        hole[:, :-shift] |= disparity[:, shift:] - disparity[:, :-shift] > shift
    return np.where(hole, 0, np.rint(noisy * 1000)).astype(np.uint16)
