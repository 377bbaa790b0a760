"""Taskonomy's domains: type, unit and invalid values of their files."""

import dataclasses

UNITS_PER_METRE = 512  # of depth_euclidean and depth_zbuffer
NO_GEOMETRY = 65535


@dataclasses.dataclass(frozen=True)
class Domain:
    """How a domain's files are encoded.

    Args:
        dtype: `"uint8"` or `"uint16"`.
        channels: Number of channels.
        meaning: One line on the values.
        is_depth: Whether values are in 1/512 m.
        invalid: List with the value of each channel where there is none to be had, or None.
    """

    dtype: str
    channels: int
    meaning: str = "Values as in the files."
    is_depth: bool = False
    invalid: tuple | None = None


def _depth(meaning):
    return Domain("uint16", 1, f"{meaning}, 1/512 m, 65535 = no geometry.", True, (NO_GEOMETRY,))


# In the order of the indices of Wang et al. (2020).
DOMAINS = {
    "rgb": Domain("uint8", 3, "The camera's picture."),
    "normal": Domain(
        "uint8", 3, "n = v / 127.5 - 1; 128, 128, 128 = invalid.", invalid=(128, 128, 128)
    ),
    "reshading": Domain("uint8", 3, "The scene under one light, three equal channels."),
    "depth_euclidean": _depth("Distance from the camera"),
    "depth_zbuffer": _depth("Depth along the optical axis"),
    "principal_curvature": Domain(
        "uint8", 3, "127 = flat; blue is 0; 0, 0, 0 = invalid.", invalid=(0, 0, 0)
    ),
    "edge_occlusion": Domain("uint16", 1, "Edges where one surface occludes another."),
    "edge_texture": Domain("uint16", 1, "Edges of the picture."),
    "segment_unsup2d": Domain("uint8", 1, "Ids of superpixels, spread over grey."),
    "segment_unsup25d": Domain("uint8", 1, "Ids of superpixels with geometry, spread over grey."),
}
