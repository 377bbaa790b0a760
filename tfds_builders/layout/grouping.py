"""Files into sensors and examples: which part of a path says which sensor it is."""

import collections
import dataclasses
import pathlib

from tfds_builders.layout.words import KIND_OF, SPLIT_OF, tokens

_MOST_SENSORS = 24
_MAIN = 0.5  # of the most numerous sensor's files, which a sensor must have
_KNOWN = 0.5  # what known words add to a grouping's score
_EACH = 0.003  # what each sensor takes off: of two explanations the one with fewer sensors
_PENALTIES = (0.0, 0.01, 0.05, 0.45)  # of keys: the stem, its words and numbers, a number, the rank
_TWICE = 0.02  # share of files that may have the key of another


@dataclasses.dataclass
class Grouping:
    """Files by sensor and example.

    Args:
        files: `{sensor: {key: path}}`.
        complete: Keys that all sensors have, in order.
        score: How well it explains the files.
        by_rank: Whether files belong together only by their order.
        left: Sensors that have too few files, and their number.
    """

    files: dict
    complete: list
    score: float = 0.0
    by_rank: bool = False
    left: list = dataclasses.field(default_factory=list)


def split_of(path):
    """Split that a folder or the beginning of the file's name tells, None without."""
    for part in pathlib.PurePosixPath(path).parts[:-1]:
        if part.lower() in SPLIT_OF:
            return SPLIT_OF[part.lower()]
    words = [w for w in tokens(pathlib.PurePosixPath(path).stem) if isinstance(w, str)]
    return next((SPLIT_OF[word] for word in words[:2] if word in SPLIT_OF), None)


def _parts(path):
    """Folders without those of splits, and the stem."""
    path = pathlib.PurePosixPath(path)
    name = path.name.lower().removesuffix(".gz")
    stem = path.name[: len(pathlib.PurePosixPath(name).stem)]
    split = next((p.lower() for p in path.parts[:-1] if p.lower() in SPLIT_OF), "")
    return tuple(p for p in path.parts[:-1] if p.lower() not in SPLIT_OF), stem, split


def group(paths):
    """Groups files into sensors and examples.

    Every folder level and the words in the names are tried as what tells the sensor, and for each
    the whole stem, its words and numbers, its last number and the order of the files as what tells
    the example. The grouping wins that explains most files with the fewest liberties; known names
    of sensors count.

    Args:
        paths: Relative paths with slashes.

    Returns:
        A `Grouping`; with one sensor if nothing tells several.
    """
    parts = {path: _parts(path) for path in paths}
    best = Grouping({(): {path: path for path in paths}}, sorted(paths, key=tokens))
    best.score = 0.3
    depth = max((len(folders) for folders, _, _ in parts.values()), default=0)
    for sensor_of in [*(_by_folder(level) for level in range(depth)), _by_words, _by_both, _by_all]:
        sensors = {path: sensor_of(*part) for path, part in parts.items()}
        if not 2 <= len(set(sensors.values())) <= _MOST_SENSORS:
            continue
        for level, penalty in enumerate(_PENALTIES):
            found = _grouping(parts, sensors, level)
            if found is not None and found.score - penalty > best.score + 1e-9:
                found.score -= penalty
                best = found
    return best


def _by_folder(level):
    def sensor(folders, stem, split):
        return (folders[level],) if len(folders) > level else ()

    return sensor


def _by_words(folders, stem, split):
    words = [w for w in tokens(stem) if isinstance(w, str) and w not in SPLIT_OF]
    return tuple(word for word in words if word in KIND_OF) or tuple(words)


def _by_both(folders, stem, split):
    return (*folders[-1:], *_by_words(folders, stem, split))


def _by_all(folders, stem, split):
    return (*folders, *_by_words(folders, stem, split))


def _grouping(parts, sensors, level):
    common = _common_words(parts, sensors)
    files = collections.defaultdict(dict)
    twice = 0
    ordered = sorted(parts, key=lambda path: (parts[path][0], _sortable(parts[path][1])))
    for path in ordered:
        folders, stem, split = parts[path]
        sensor = sensors[path]
        rest = tuple(f for f in folders if f not in sensor)
        if level == 0:
            key = (split, *rest, stem.lower())
        elif level == 1:
            key = (split, *rest, *(w for w in tokens(stem) if w not in common[sensor]))
        elif level == 2:
            numbers = [w for w in tokens(stem) if isinstance(w, int)]
            key = (split, *rest, *numbers[-1:])
        else:
            key = (split, *rest, len(files[sensor]))
        twice += key in files[sensor]
        files[sensor].setdefault(key, path)
    if twice > _TWICE * len(parts):
        return None
    most = max(map(len, files.values()))
    main = {s: found for s, found in files.items() if len(found) >= _MAIN * most}
    if len(main) < 2:
        return None
    if level == 3 and len({len(found) for found in main.values()}) > 1:
        return None  # by their order only where there are as many of each
    left = [(sensor, len(found)) for sensor, found in files.items() if sensor not in main]
    complete = set.intersection(*(set(found) for found in main.values()))
    if not complete:
        return None
    known = sum(any(w in KIND_OF for part in s for w in tokens(part)) for s in main) / len(main)
    score = len(complete) * len(main) / len(parts) + _KNOWN * known
    score -= _EACH * len(main)
    return Grouping(main, sorted(complete, key=_sortable_key), score, level == 3, left)


def _common_words(parts, sensors):
    """Words that nearly all names of a sensor have."""
    counts, total = collections.defaultdict(collections.Counter), collections.Counter()
    for path, (_, stem, _) in parts.items():
        total[sensors[path]] += 1
        counts[sensors[path]].update({w for w in tokens(stem) if isinstance(w, str)})
    return {
        sensor: {
            w
            for w, n in counts[sensor].items()
            if (n >= 0.95 * total[sensor] or w in sensor) and w not in SPLIT_OF
        }
        for sensor in total
    }


def _sortable(stem):
    return tuple((isinstance(w, str), str(w) if isinstance(w, str) else w) for w in tokens(stem))


def _sortable_key(key):
    return tuple((isinstance(w, str), _sortable(w) if isinstance(w, str) else w) for w in key)
