"""A split of examples that have none: by scenes, where the names tell them, or by runs of files."""

import numpy as np

from tfds_builders.layout.words import tokens

_VALIDATION = 0.15
_RUNS = 20  # of files that follow one another
_LEAST = 4  # examples that can be split


def seeded_split(rows, keys, doubts, seed=0):
    """Splits examples into train and validation; always alike.

    Frames of one scene, patient or sequence stay together. Where names tell none, runs of
    consecutive files do, as the next frame of a video is nearly the same picture.

    Args:
        rows: List of examples.
        keys: What names each of them, a tuple each: its last part counts, the others name a scene.
        doubts: List to which the guess is added.
        seed: Of the draw.
    """
    if len(rows) < _LEAST:
        doubts.append(f"there are only {len(rows)} examples: they are for training and validation")
        return {"train": rows, "validation": rows}
    scenes = [_scene(key) for key in keys]
    names = list(dict.fromkeys(scenes))
    by = f"{len(names)} scenes or patients, by the names of the files"
    if not 3 <= len(names) <= len(rows) / 2:
        run = max(1, -(-len(rows) // _RUNS))
        scenes = [number // run for number in range(len(rows))]
        names = list(dict.fromkeys(scenes))
        by = f"runs of {run} files" if run > 1 else "files"
    order = np.random.default_rng(seed).permutation(len(names))
    wanted, chosen, count = _VALIDATION * len(rows), set(), 0
    for place in order[: len(names) - 1]:
        size = scenes.count(names[place])
        if count == 0 or count + size / 2 <= wanted:
            chosen.add(names[place])
            count += size
        if count >= wanted:
            break
    found = {"train": [], "validation": []}
    for row, scene in zip(rows, scenes, strict=True):
        found["validation" if scene in chosen else "train"].append(row)
    doubts.append(
        f"the split: there was none; {count} of {len(rows)} examples validate, drawn from {by}"
    )
    return found


def _scene(key):
    """All of a key but its last number, which counts frames."""

    parts = [t for part in key for t in (tokens(part) if isinstance(part, str) else (part,))]
    return tuple(parts[:-1])
