"""A small folder in the papers' list format, to be broken."""

import numpy as np
import PIL.Image

NUM_CLASSES = 3
COUNTS = {"train": 4, "val": 2}


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(array).save(path)


def make_folder(root, unit=5000, size=(12, 16)):
    """Rooms of about 3 m with a hole in one corner and void on the upper rim."""
    rng = np.random.default_rng(0)
    number = 0
    for split, count in COUNTS.items():
        lines = []
        for _ in range(count):
            paths = [f"{kind}/{number:06d}.png" for kind in ("rgb", "masks", "depth")]
            write(root / paths[0], rng.integers(0, 256, (*size, 3), np.uint8))
            label = rng.integers(0, NUM_CLASSES, size, np.uint8)
            label[:3] = 255
            write(root / paths[1], label)
            depth = (rng.uniform(2, 4, size) * unit).astype(np.uint16)
            depth[:4, :4] = 0
            write(root / paths[2], depth)
            lines.append("\t".join(paths))
            number += 1
        (root / f"{split}.txt").write_text("\n".join(lines))
    return root
