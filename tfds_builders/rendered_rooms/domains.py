"""Exact image domains in Taskonomy's encodings."""

import numpy as np

# Taskonomy's users divide by these (Wang et al. 2020, arXiv 2011.05005).
_TEXTURE_MAX = 11355
_OCCLUSION_MAX = 11584
LARGEST_ILLUMINATION = 2.0
"""What the brightest value of `illumination` stands for: twice a white wall's full light."""


def encode_depth(metres, is_open):
    """uint16 in 1/512 m, 65535 where there is no geometry."""
    return np.where(is_open, 65535, np.rint(metres * 512)).astype(np.uint16)


def encode_normal(normal, is_open):
    """uint8 `(n + 1) * 127.5`, (128, 128, 128) where there is no geometry."""
    normal = np.where(is_open[..., None], 0, normal)
    return np.floor((normal + 1) * 127.5 + 0.5).astype(np.uint8)


def encode_reshading(cosine, distance, is_open):
    """The scene in white, lit from the camera: `(height, width, 3)` uint8, three equal channels."""
    value = np.clip(cosine, 0, 1) / (1 + (distance / 8) ** 2)
    value = np.where(is_open, 0, 255 * value + 0.5).astype(np.uint8)
    return np.repeat(value[..., None], 3, -1)


def encode_light(light, largest=1.0):
    """uint8 `255 (light / largest)^(1 / 2.2)`; more light than `largest` is cut off.

    The picture without noise is the product of albedo and illumination, and so is its encoding:
    `radiance / 255 = min(1, 2^(1 / 2.2) albedo / 255 illumination / 255)` but for the rounding.
    """
    share = np.clip(light / np.float32(largest), 0, 1)
    return (255 * share ** np.float32(1 / 2.2) + np.float32(0.5)).astype(np.uint8)


def edge_texture(light):
    """Magnitude of the Sobel gradient of the noise-free picture's lightness.

    Args:
        light: `(height, width, 3)` linear float32.

    Returns:
        `(height, width)` uint16.
    """
    gray = (np.clip(light, 0, 1) ** np.float32(1 / 2.2)).mean(-1)
    p = np.pad(gray, 1, mode="edge")
    smooth_y = p[:-2] + 2 * p[1:-1] + p[2:]
    smooth_x = p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]
    gx = smooth_y[:, 2:] - smooth_y[:, :-2]
    gy = smooth_x[2:] - smooth_x[:-2]
    return np.clip(np.rint(2500 * np.hypot(gx, gy)), 0, _TEXTURE_MAX).astype(np.uint16)


def edge_occlusion(point, normal, distance, pixel):
    """How far a surface lies before its neighbour, `(height, width)` uint16 in 1/4096 m.

    A neighbour's distance from the tangent plane is 0 on flat surfaces however steep, and small in
    corners, so only steps remain; corners are cut off by the size of a pixel.

    Args:
        point: `(height, width, 3)` metres.
        normal: `(height, width, 3)` unit normals in the same frame.
        distance: `(height, width)` from the camera, metres.
        pixel: Size of a pixel at 1 m, metres.
    """
    gap = np.zeros(distance.shape, np.float32)
    for axis in (0, 1):
        here = tuple(slice(None, -1) if a == axis else slice(None) for a in (0, 1))
        there = tuple(slice(1, None) if a == axis else slice(None) for a in (0, 1))
        step = point[there] - point[here]
        size = np.minimum(
            np.abs((step * normal[here]).sum(-1)), np.abs((step * normal[there]).sum(-1))
        )
        size = np.maximum(size - 1.5 * pixel * np.minimum(distance[here], distance[there]), 0)
        gap[here] = np.maximum(gap[here], size)
        gap[there] = np.maximum(gap[there], size)
    return np.clip(np.rint(4096 * gap), 0, _OCCLUSION_MAX).astype(np.uint16)
