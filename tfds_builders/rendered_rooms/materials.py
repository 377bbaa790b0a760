"""Procedural surface colours: what only the RGB camera can see."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Material:
    """Colour and texture of a surface.

    Args:
        texture: Name of one of `TEXTURES`.
        color: Main reflectance, three linear values in 0..1.
        accent: Second reflectance: stripes, grain, grout, frame.
        scale: Size of the pattern in metres.
        shininess: Share of the surface that the depth sensor misses, in 0..1.
        emission: Light that the surface gives off by itself; 1 is a white wall in full light.
        phase: Offset of the pattern, so that two surfaces of one kind differ.
    """

    texture: str
    color: tuple
    accent: tuple = (0.0, 0.0, 0.0)
    scale: float = 0.3
    shininess: float = 0.0
    emission: float = 0.0
    phase: float = 0.0


def lattice_noise(u, v):
    """White noise in [0, 1) on the integer lattice: the same cell always has the same value."""
    u = np.floor(u).astype(np.int64)
    v = np.floor(v).astype(np.int64)
    h = (u * 374761393 + v * 668265263) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFF).astype(np.float32) / 65536.0


def value_noise(u, v):
    """Smooth noise in [0, 1) with features of size one."""
    iu, iv = np.floor(u), np.floor(v)
    fu, fv = u - iu, v - iv
    fu, fv = fu * fu * (3 - 2 * fu), fv * fv * (3 - 2 * fv)
    low = lattice_noise(iu, iv) * (1 - fu) + lattice_noise(iu + 1, iv) * fu
    high = lattice_noise(iu, iv + 1) * (1 - fu) + lattice_noise(iu + 1, iv + 1) * fu
    return low * (1 - fv) + high * fv


def _line(x, period, width):
    """1 within `width` of a multiple of `period`, else 0."""
    return (np.abs(x - np.round(x / period) * period) < width).astype(np.float32)


def _border(u, v, half_u, half_v, width):
    """1 within `width` of the edge of the rectangle, else 0."""
    return ((half_u - np.abs(u) < width) | (half_v - np.abs(v) < width)).astype(np.float32)


def _plain(m, u, v, half_u, half_v):
    return 0.06 * value_noise(u * 3 + m.phase, v * 3)


def _stripes(m, u, v, half_u, half_v):
    return 0.5 + 0.5 * np.sin(2 * np.pi * (u / m.scale + m.phase))


def _planks(m, u, v, half_u, half_v):
    board = np.floor(u / m.scale + m.phase)
    grain = value_noise(u * 25 + m.phase, v * 2 + 7 * board)
    return 0.25 * lattice_noise(board, board * 0 + 11) + 0.3 * grain


def _tiles(m, u, v, half_u, half_v):
    grout = np.maximum(_line(u + m.phase, m.scale, 0.012), _line(v + m.phase, m.scale, 0.012))
    return np.maximum(grout, 0.15 * lattice_noise(u / m.scale + 0.5, v / m.scale + 0.5))


def _checks(m, u, v, half_u, half_v):
    return (np.floor(u / m.scale + m.phase) + np.floor(v / m.scale + m.phase)) % 2


def _fabric(m, u, v, half_u, half_v):
    weave = value_noise(u * 30 + m.phase, v * 30)
    return 0.35 * weave + 0.35 * value_noise(u * 4 + m.phase, v * 4)


def _ornament(m, u, v, half_u, half_v):
    """A rug: a border and rings."""
    ring = np.sin(9 * np.hypot(u / half_u, v / half_v) + m.phase) > 0.3
    return np.maximum(
        _border(u, v, half_u, half_v, 0.12 * np.minimum(half_u, half_v) + 0.03), 0.6 * ring
    )


def _fronts(m, u, v, half_u, half_v):
    """Wood with the joints of two leaves, the same for a door and for a cabinet."""
    joint = np.abs(np.abs(v / half_v) - 0.5) < 0.42
    inset = np.abs(np.abs(u / half_u) - 0.5) < 0.36
    edge = np.abs(np.abs(np.abs(u / half_u) - 0.5) - 0.36) < 0.03
    edge = (edge & joint) | ((np.abs(np.abs(np.abs(v / half_v) - 0.5) - 0.42) < 0.015) & inset)
    grain = value_noise(u * 25 + m.phase, v * 2)
    return np.maximum(edge * 0.9, 0.25 * grain)


def _taped(m, u, v, half_u, half_v):
    """Cardboard with a strip of tape."""
    tape = np.abs(u) < 0.05
    return np.maximum(0.8 * tape, 0.15 * value_noise(u * 12 + m.phase, v * 12))


def _glazing(m, u, v, half_u, half_v):
    """A window: sky, brighter at the top, with frame and cross bar."""
    bars = np.maximum(_border(u, v, half_u, half_v, 0.05), (np.abs(u) < 0.025).astype(np.float32))
    bars = np.maximum(bars, (np.abs(v - 0.2 * half_v) < 0.02).astype(np.float32))
    return np.maximum(bars, 0.3 + 0.3 * v / half_v)


def _painting(m, u, v, half_u, half_v):
    """Abstract art: sharp patches of two colours."""
    field = value_noise(u * 5 + m.phase * 37, v * 5 - m.phase * 17)
    return np.clip((field - 0.5) * 6 + 0.5, 0, 1)


TEXTURES = {
    "plain": _plain,
    "stripes": _stripes,
    "planks": _planks,
    "tiles": _tiles,
    "checks": _checks,
    "fabric": _fabric,
    "ornament": _ornament,
    "fronts": _fronts,
    "taped": _taped,
    "glazing": _glazing,
    "painting": _painting,
}


def reflectance(material, u, v, half_u, half_v):
    """Colour of points of one surface.

    Args:
        material: A `Material`.
        u, v: `(points,)` coordinates on the surface in metres, from its centre.
        half_u, half_v: Half the size of the surface in metres.

    Returns:
        `(points, 3)` float32, linear reflectance.
    """
    weight = TEXTURES[material.texture](material, u, v, half_u, half_v)
    weight = np.asarray(weight, np.float32)[:, None]
    color = np.float32(material.color) * (1 - weight) + np.float32(material.accent) * weight
    if material.texture == "painting":
        frame = _border(u, v, half_u, half_v, 0.035)[:, None]
        color = color * (1 - frame) + np.float32(0.06) * frame
    return color
