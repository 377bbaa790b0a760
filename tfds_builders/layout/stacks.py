"""Files that hold more than one image: volumes, pages, bands, and scenes to be cut into tiles."""

import numpy as np

from tfds_builders.reading.inside_folder import path_inside
from tfds_builders.reading.nifti import axial_slice, is_nifti, read_volume
from tfds_builders.reading.tiff_part import TiffPart, read_tiff_part, tiff_pages

_MOST_PAGES_OF_SENSORS = 16
_TILE = 256
_FEW = 8  # examples, below which large scenes are cut into tiles
_CONTENT = 0.02  # share of a slice that must not be background
_SAMPLE = 512  # pixels of a side that are looked at for bands
_MOST_CLASSES = 64


def unstack(root, rows, keys, sensors, doubts):
    """Rows that name one image in each column, see `TiffPart`.

    Args:
        root: The folder.
        rows: `{split: [{sensor: path}]}`.
        keys: `{split: [key]}` alike.
        sensors: List of sensors.
        doubts: List to which guesses are added.

    Returns:
        Rows, keys and sensors.
    """
    first = next(iter(rows.values()))[0]
    if any(is_nifti(path) for path in first.values()):
        return *_each(rows, keys, lambda row: _slices(root, row)), sensors
    tiffs = {s: p for s, p in first.items() if p.lower().endswith((".tif", ".tiff"))}
    if not tiffs or any("#" in path for path in first.values()):
        return rows, keys, sensors
    pages = {s: _pictures(path_inside(root, path)) for s, path in tiffs.items()}
    counts = {s: len(found) for s, found in pages.items()}
    if len(sensors) == 1 and max(counts.values()) > 1:
        return _page_sensors(root, rows, keys, sensors[0], pages[sensors[0]], doubts)
    if len(tiffs) == len(sensors) and len(set(counts.values())) == 1 and max(counts.values()) > 1:
        rows, keys = _each(rows, keys, lambda row: _frames(row, max(counts.values())))
        return rows, keys, sensors
    if len(sensors) == 1 and pages[sensors[0]][0][2] > 1:
        rows, sensors = _band_sensors(root, rows, sensors[0], pages[sensors[0]][0], doubts)
    total = sum(map(len, rows.values()))
    height, width = next(iter(pages.values()))[0][:2]
    if total < _FEW and len(tiffs) == len(first) and min(height, width) >= 2 * _TILE:
        doubts.append(f"tiles: the scenes of {height}x{width} are cut into {_TILE}x{_TILE} pixels")
        rows, keys = _each(rows, keys, lambda row: _tiles(root, row))
    return rows, keys, sensors


def _pictures(path):
    try:
        return tiff_pages(path)
    except ValueError:
        raise
    except Exception:  # whoever reads it says what is wrong
        return [(0, 0, 1, np.dtype("uint8"))]


def _each(rows, keys, parts_of):
    """Replaces each row by those of its parts, whose number is added to the key."""
    new_rows, new_keys = {}, {}
    for split, of in rows.items():
        new_rows[split], new_keys[split] = [], []
        for row, key in zip(of, keys[split], strict=True):
            for number, part in parts_of(row):
                new_rows[split].append(part)
                new_keys[split].append((*key, number))
    return new_rows, new_keys


def _slices(root, row):
    """Slices of a patient's volumes that show something."""
    volumes = {s: read_volume(path_inside(root, p)) for s, p in row.items() if is_nifti(p)}
    depths = {volume.shape[-1] for volume in volumes.values()}
    if len(depths) > 1:
        raise ValueError(
            "the volumes of an example must have as many slices: resample them to one grid. "
            f"Received: {', '.join(f'{row[s]} {v.shape}' for s, v in volumes.items())}"
        )
    richest = max(volumes.values(), key=lambda volume: len(np.unique(volume[::4, ::4, ::4])))
    low = richest.min()
    for number in range(depths.pop()):
        if (axial_slice(richest, number) != low).mean() >= _CONTENT:
            yield number, {s: f"{p}#{number}" if is_nifti(p) else p for s, p in row.items()}


def _frames(row, count):
    for number in range(count):
        yield number, {s: f"{p}#{TiffPart(page=number)}" for s, p in row.items()}


def _tiles(root, row):
    first = next(iter(row.values())).partition("#")[0]
    height, width = tiff_pages(path_inside(root, first))[0][:2]
    number = 0
    for top in range(0, height - _TILE + 1, _TILE):
        for left in range(0, width - _TILE + 1, _TILE):
            window = f"window={top},{left},{_TILE},{_TILE}"
            yield number, {s: f"{p}{'&' if '#' in p else '#'}{window}" for s, p in row.items()}
            number += 1


def _page_sensors(root, rows, keys, sensor, pages, doubts):
    """One file an example: its pages are sensors, or frames of one sensor."""
    total = sum(map(len, rows.values()))
    kinds = {(bands, dtype.name) for _, _, bands, dtype in pages}
    if len(pages) > _MOST_PAGES_OF_SENSORS or (total == 1 and len(kinds) == 1 and len(pages) > 4):
        doubts.append(f"the {len(pages)} pages of a TIFF are taken for frames of one sensor")
        return *_each(rows, keys, lambda row: _frames(row, len(pages))), [sensor]
    doubts.append(f"the {len(pages)} pages of each TIFF are taken for sensors of one view")
    sensors = [(f"page{number}",) for number in range(len(pages))]
    rows = {
        split: [
            {s: f"{row[sensor]}#{TiffPart(page=n)}" for n, s in enumerate(sensors)} for row in of
        ]
        for split, of in rows.items()
    }
    return rows, keys, sensors


def _band_sensors(root, rows, sensor, page, doubts):
    """Bands of one file as sensors: a mask by itself, others by their ranges of values."""
    height, width, count, dtype = page
    first = next(iter(rows.values()))[0][sensor]
    side = min(height, _SAMPLE), min(width, _SAMPLE)
    sample = read_tiff_part(path_inside(root, first), TiffPart(window=(0, 0, *side)))
    if count <= 4 and dtype == np.uint8:
        return rows, [sensor]
    groups = []
    for band in range(count):
        values = sample[..., band].astype(np.float64)
        equal = (values[:, 1:] == values[:, :-1]).mean()
        distinct = np.unique(values)
        is_mask = equal > 0.9 and len(distinct) <= _MOST_CLASSES and (distinct % 1 == 0).all()
        median = float(np.median(values))
        previous = groups[-1] if groups else None
        alike = previous and not previous[1] and not is_mask and _alike(previous[2], median)
        if alike:
            previous[0].append(band)
        else:
            groups.append([[band], bool(is_mask), median])
    if len(groups) == 1:
        return rows, [sensor]
    words = ", ".join(
        f"{g[0][0]}-{g[0][-1]}{' (mask)' if g[1] else ''}" if len(g[0]) > 1 else f"{g[0][0]}"
        for g in groups
    )
    doubts.append(
        f"the {count} bands are taken for {len(groups)} sensors, by their values: {words}"
    )
    names = [("label",) if g[1] else (f"bands{g[0][0]}",) for g in groups]
    parts = {name: str(TiffPart(bands=tuple(g[0]))) for name, g in zip(names, groups, strict=True)}
    rows = {
        split: [{name: f"{row[sensor]}#{parts[name]}" for name in names} for row in of]
        for split, of in rows.items()
    }
    return rows, names


def _alike(one, other):
    """Whether two medians may be of one sensor: of one sign, within a factor of eight."""
    if one == 0 or other == 0:
        return one == other
    return one * other > 0 and 1 / 8 <= one / other <= 8
