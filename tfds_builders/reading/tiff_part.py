"""A part of a TIFF: one of several pages, some bands, a window of a large picture."""

import dataclasses
import functools
import os
import re

import numpy as np

from tfds_builders.reading.limits import check_image_bytes
from tfds_builders.reading.optional import import_reader
from tfds_builders.reading.orientation import turn_upright

_PART = re.compile(r"(.*\.tiff?)#(.+)", re.IGNORECASE)
_KEYS = ("page", "bands", "window")
_ORIENTATION = 274


@dataclasses.dataclass(frozen=True)
class TiffPart:
    """What a list names of a TIFF.

    Args:
        page: Number of the picture in the file, from 0.
        bands: Numbers of bands from 0, None for all.
        window: `(top, left, height, width)`, None for all.

    Example:

    >>> from tfds_builders.reading import split_part
    >>> split_part("scene.tif#bands=0-2&window=0,256,256,256")
    ('scene.tif', TiffPart(page=0, bands=(0, 1, 2), window=(0, 256, 256, 256)))
    """

    page: int = 0
    bands: tuple | None = None
    window: tuple | None = None

    def __str__(self):
        """As it stands in a list, after the `#`."""
        found = [f"page={self.page}"] if self.page or not (self.bands or self.window) else []
        if self.bands is not None:
            found.append(f"bands={','.join(map(str, self.bands))}")
        if self.window is not None:
            found.append(f"window={','.join(map(str, self.window))}")
        return "&".join(found)


def split_part(name):
    """The file and the part that a list names; None where it names the whole file.

    Args:
        name: A path, of TIFF perhaps with `#page=3`, `#bands=0-2`, `#window=TOP,LEFT,HEIGHT,WIDTH`,
            or several of these, joined by `&`.

    Raises:
        ValueError: If a part cannot be understood.
    """
    match = _PART.fullmatch(name)
    if not match:
        return name, None
    values = {}
    for item in match[2].split("&"):
        key, _, text = item.partition("=")
        try:
            if key not in _KEYS:
                raise ValueError(key)
            values[key] = _numbers(text)
        except ValueError:
            raise ValueError(
                "a part of a TIFF must be #page=N, #bands=N,N or N-N, or #window=TOP,LEFT,HEIGHT,"
                f"WIDTH, several joined by &. Received: {name!r}"
            ) from None
    page = values.pop("page", (0,))
    if len(page) != 1 or len(values.get("window", (0,) * 4)) != 4:
        raise ValueError(f"a part of a TIFF is one page, and a window four numbers: {name!r}")
    return match[1], TiffPart(page[0], **values)


def _numbers(text):
    found = []
    for item in text.split(","):
        first, dash, last = item.partition("-")
        found += range(int(first), int(last) + 1) if dash else [int(first)]
    if not found:
        raise ValueError(text)
    return tuple(found)


def tiff_pages(path):
    """Pages of a TIFF that are pictures of their own, as `[(height, width, bands, dtype)]`."""
    tifffile = import_reader("tifffile", "geotiff", "TIFF with several pages or bands")
    with tifffile.TiffFile(path) as file:
        found = []
        for page in file.pages:
            planes, depth, height, width, samples = page.shaped
            found.append((height, width, planes * depth * samples, np.dtype(page.dtype)))
        return found


def read_tiff_part(path, part):
    """Reads a part of a TIFF.

    Args:
        path: The file.
        part: `TiffPart`.

    Returns:
        `(height, width, bands)` array, upright.

    Raises:
        ValueError: If the file has no such page, band or window, or tifffile is not installed.
    """
    stat = os.stat(path)
    image = _page(os.fspath(path), part.page, stat.st_mtime_ns, stat.st_size)
    if part.bands is not None:
        if max(part.bands) >= image.shape[-1]:
            raise ValueError(f"its bands are 0..{image.shape[-1] - 1}. Received: #{part}")
        image = image[..., list(part.bands)]
    if part.window is not None:
        top, left, height, width = part.window
        if top + height > image.shape[0] or left + width > image.shape[1] or 0 in (height, width):
            raise ValueError(
                f"it has {image.shape[0]}x{image.shape[1]} pixels, which the window leaves. "
                f"Received: #{part}"
            )
        image = image[top : top + height, left : left + width]
    return np.ascontiguousarray(image)


@functools.lru_cache(maxsize=6)  # windows of a scene follow one another
def _page(path, number, *_):
    tifffile = import_reader("tifffile", "geotiff", "TIFF with several pages or bands")
    with tifffile.TiffFile(path) as file:
        try:
            page = file.pages[number]
        except IndexError:
            raise ValueError(
                f"it has {len(file.pages)} page(s), from 0. Received: #page={number}"
            ) from None
        planes, depth, height, width, samples = page.shaped
        shape = height, width, planes * depth * samples
        check_image_bytes(shape, page.dtype.itemsize)
        values = page.asarray().reshape(planes, depth, height, width, samples)
        values = np.moveaxis(values, (0, 1), (2, 3)).reshape(shape)
        tag = page.tags.get(_ORIENTATION)
        return turn_upright(values, tag.value if tag else 1)
