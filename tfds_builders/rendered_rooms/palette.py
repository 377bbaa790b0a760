"""Random materials. Classes share palettes on purpose, so that colour alone does not name them."""

from tfds_builders.rendered_rooms.materials import Material

_WALLS = ((0.78, 0.76, 0.72), (0.82, 0.8, 0.78), (0.7, 0.75, 0.78), (0.76, 0.68, 0.55))
_WALLS += ((0.6, 0.68, 0.6), (0.74, 0.62, 0.6), (0.55, 0.62, 0.7), (0.66, 0.66, 0.68))
_WOODS = ((0.5, 0.3, 0.15), (0.36, 0.2, 0.1), (0.62, 0.44, 0.26), (0.7, 0.55, 0.38))
_WOODS += ((0.25, 0.15, 0.1), (0.56, 0.33, 0.2))
_FABRICS = ((0.55, 0.12, 0.1), (0.12, 0.2, 0.45), (0.14, 0.35, 0.2), (0.6, 0.45, 0.12))
_FABRICS += ((0.35, 0.15, 0.35), (0.1, 0.35, 0.4), (0.65, 0.35, 0.2), (0.25, 0.25, 0.27))
_PAPERS = ((0.58, 0.44, 0.28), (0.62, 0.48, 0.32), (0.53, 0.4, 0.26))
_SKIES = ((0.75, 0.88, 1.0), (0.9, 0.93, 0.95), (0.35, 0.45, 0.65))


def _pick(rng, colors, jitter=0.04):
    color = colors[rng.integers(len(colors))]
    return tuple(float(min(max(c + rng.uniform(-jitter, jitter), 0.03), 0.9)) for c in color)


def _scaled(color, factor):
    return tuple(min(c * factor, 0.95) for c in color)


def wall(rng):
    """Paint, plain or with faint stripes."""
    color = _pick(rng, _WALLS)
    texture = rng.choice(["plain", "plain", "stripes"])
    accent = _scaled(color, rng.uniform(0.8, 0.9))
    return Material(texture, color, accent, scale=rng.uniform(0.15, 0.4), phase=rng.uniform(0, 9))


def painted_panel(rng, base):
    """The wall's own paint in another tone: an outline in RGB that is nothing in depth."""
    factor = rng.choice([rng.uniform(0.75, 0.88), rng.uniform(1.08, 1.2)])
    return Material("plain", _scaled(base.color, factor), _scaled(base.color, 0.9 * factor))


def ceiling(rng):
    """White paint."""
    return Material("plain", _pick(rng, ((0.85, 0.85, 0.83),)), (0.7, 0.7, 0.7))


def wood(rng, texture="planks"):
    """Shared by doors, cabinets, tables and floors."""
    color = _pick(rng, _WOODS)
    accent = _scaled(color, rng.uniform(0.4, 0.6))
    shininess = rng.choice([0.0, 0.0, 0.0, rng.uniform(0.2, 0.5)])
    scale = rng.uniform(0.12, 0.2)
    return Material(texture, color, accent, scale, shininess, phase=rng.uniform(0, 9))


def floor(rng):
    """Planks, tiles or carpet."""
    kind = rng.integers(3)
    if kind == 0:
        return wood(rng)
    if kind == 1:
        color = _pick(rng, ((0.6, 0.58, 0.54), (0.45, 0.42, 0.4), (0.68, 0.62, 0.55)))
        return Material("tiles", color, _scaled(color, 0.6), rng.uniform(0.35, 0.6), 0.05)
    color = _pick(rng, ((0.5, 0.47, 0.42), (0.38, 0.36, 0.38), (0.45, 0.4, 0.33)))
    return Material("fabric", color, _scaled(color, 0.7), phase=rng.uniform(0, 9))


def fabric(rng):
    """Shared by sofas and ottomans."""
    color = _pick(rng, _FABRICS)
    texture = rng.choice(["fabric", "fabric", "fabric", "stripes"])
    accent = _scaled(color, rng.uniform(0.5, 0.75))
    return Material(texture, color, accent, rng.uniform(0.1, 0.2), phase=rng.uniform(0, 9))


def rug(rng):
    """The fabrics of the sofas with a pattern, lying flat."""
    accent = _pick(rng, _WALLS)
    texture = rng.choice(["ornament", "ornament", "checks"])
    return Material(texture, _pick(rng, _FABRICS), accent, 0.25, phase=rng.uniform(0, 9))


def cardboard(rng):
    """Brown paper with a strip of tape."""
    color = _pick(rng, _PAPERS, 0.03)
    return Material("taped", color, (0.85, 0.8, 0.68), phase=rng.uniform(0, 9))


def window(rng):
    """Sky behind glass; the depth sensor misses part of the glass."""
    shininess = rng.choice([0.0, rng.uniform(0.1, 0.5)])
    frame = _pick(rng, ((0.8, 0.8, 0.78), (0.4, 0.25, 0.15)))
    return Material("glazing", _pick(rng, _SKIES), frame, 0.3, shininess, rng.uniform(0.3, 0.9))


def picture(rng):
    """Two colours under glass or on canvas."""
    shininess = rng.choice([0.0, 0.0, rng.uniform(0.1, 0.4)])
    accent = _pick(rng, _FABRICS + _WALLS, 0.1)
    return Material(
        "painting", _pick(rng, _FABRICS, 0.1), accent, 0.2, shininess, phase=rng.uniform(0, 9)
    )
