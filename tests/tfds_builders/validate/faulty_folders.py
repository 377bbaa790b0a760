"""Folders of aligned images of several kinds, sound or with one fault, from a seed.

Kinds: rendered rooms (RGB, depth, mask), chips from above (optical, radar, mask), heads in four
sequences with a lesion mask, and a street with a thermal camera. All of them are drawn in NumPy.
"""

import functools

import numpy as np
import PIL.Image

from tfds_builders.rendered_rooms.render import render

ROOM_SIZE = (72, 96)
ROOMS = 150  # that are rendered; a folder draws from them
UNITS = {
    "metres": 1,
    "millimetres": 1000,
    "5000ths_of_a_metre": 5000,
    "tenths_of_a_millimetre": 10000,
}


def noise(rng, size, cells):
    """Smooth noise of 0..1 with some `cells` over the longer side."""
    rows, columns = (max(2, round(cells * side / max(size))) for side in size)
    grid = rng.uniform(size=(rows + 2, columns + 2)).astype(np.float32)
    image = PIL.Image.fromarray(grid).resize((size[1] + 16, size[0] + 16), PIL.Image.BICUBIC)
    return np.clip(np.array(image)[8 : 8 + size[0], 8 : 8 + size[1]], 0, 1)


def regions(rng, size, count):
    """Cells around random points, `(height, width)` of 0..count-1, with wavy borders."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    y = y + 10 * (noise(rng, size, 8) - 0.5)
    x = x + 10 * (noise(rng, size, 8) - 0.5)
    points = rng.uniform(size=(count, 2)) * size
    return np.argmin((y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2, -1)


def _bytes(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


@functools.cache
def room(number):
    """One rendered frame: RGB, depth in float metres with holes of 0, mask with void."""
    frame = render(1000 + number, ROOM_SIZE[1], ROOM_SIZE[0])
    depth = frame["depth"][..., 0].astype(np.float64) / 1000
    label = frame["label"][..., 0].copy()
    label[:3] = 255
    return {"rgb": frame["rgb"], "depth": depth, "label": label}


def rooms(rng, count):
    """Frames of rooms, `[{column: array}]`; depth in metres."""
    pool = ROOMS if count >= 24 else count  # few tests render few rooms
    return [dict(room(int(n))) for n in rng.choice(pool, count, replace=False)]


def chips(rng, count):
    """Fields, woods and water, seen by an optical satellite and by radar."""
    size, found = (96, 96), []
    optical = rng.uniform(40, 200, (6, 3))
    echo = rng.uniform(20, 120, 6)
    for _ in range(count):
        cells = regions(rng, size, int(rng.integers(12, 30)))
        label = rng.integers(0, 6, 40)[cells].astype(np.uint8)
        label[cells == 0] = rng.integers(0, 6)
        shade = 0.7 + 0.5 * noise(rng, size, 6)[..., None]
        rgb = optical[label] * shade + rng.normal(0, 8, (*size, 3))
        sar = echo[label] * rng.gamma(6, 1 / 6, size)  # speckle
        mask = label.copy()
        mask[-4:] = 255
        found.append({"rgb": _bytes(rgb), "sar": _bytes(sar), "label": mask})
    return found


def heads(rng, count):
    """Slices of heads in two sequences; 0 outside; a mask of lesions."""
    size, found = (112, 112), []
    y, x = np.mgrid[: size[0], : size[1]] - 56.0
    for _ in range(count):
        a, b = rng.uniform(34, 46), rng.uniform(30, 40)
        inside = (y / a) ** 2 + (x / b) ** 2 < 1
        tissue = regions(rng, size, 14) % 3
        rim = ((y / a) ** 2 + (x / b) ** 2 > 0.72) & inside
        lesion = inside & ~rim & (noise(rng, size, 9) > 0.78)
        t1 = np.choose(tissue, (90, 140, 200)) + 30.0 * rim - 50 * lesion
        t2 = np.choose(tissue, (190, 120, 70)) - 40.0 * rim + 60 * lesion
        t1 = np.where(inside, t1 + rng.normal(0, 6, size), 0)
        t2 = np.where(inside, t2 + rng.normal(0, 6, size), 0)
        found.append({"t1": _bytes(t1), "t2": _bytes(t2), "label": lesion.astype(np.uint8)})
    return found


def streets(rng, count):
    """Boxes, cars and people by day, and their warmth in hundredths of a kelvin."""
    size, found = (80, 112), []
    for _ in range(count):
        label = np.zeros(size, np.uint8)
        horizon = int(rng.integers(28, 40))
        label[horizon:] = 1
        rgb = np.where(label[..., None] == 0, (130, 170, 220), (90, 90, 95)).astype(float)
        warm = np.where(label == 0, 27000.0, 28700.0)
        for _ in range(int(rng.integers(5, 10))):
            kind = int(rng.integers(2, 5))
            h, w = ((30, 24), (12, 26), (18, 7))[kind - 2]
            h, w = int(h * rng.uniform(0.7, 1.4)), int(w * rng.uniform(0.7, 1.4))
            top = int(np.clip(horizon + rng.integers(-8, 30) - h // 2, 0, size[0] - h))
            left = int(rng.integers(0, size[1] - w))
            box = np.s_[top : top + h, left : left + w]
            label[box] = kind
            rgb[box] = rng.uniform(20, 230, 3)
            warm[box] = (28000, 29500, 30800)[kind - 2] + rng.normal(0, 250)
        rgb = rgb * (0.8 + 0.4 * noise(rng, size, 5)[..., None]) + rng.normal(0, 6, rgb.shape)
        warm = warm + 400 * noise(rng, size, 4) + rng.normal(0, 25, size)
        label[:2] = 255
        thermal = np.rint(warm).astype(np.uint16)
        found.append({"rgb": _bytes(rgb), "thermal": thermal, "label": label})
    return found


KINDS = {"rooms": rooms, "chips": chips, "heads": heads, "streets": streets}
CLASSES = {"rooms": 13, "chips": 6, "heads": 2, "streets": 5}


def stored_depth(metres, units=1000):
    return np.clip(np.rint(metres * units), 0, 65535).astype(np.uint16)


def sound(kind, rng, count):
    """Examples of a kind as they are stored; depth in millimetres."""
    frames = KINDS[kind](rng, count)
    for frame in frames:
        if "depth" in frame:
            frame["metres"] = frame.pop("depth")
            frame["depth"] = stored_depth(frame["metres"])
    return frames


def _moved(image, down, right):
    """An image moved; what comes in is a copy of its rim."""
    height, width = image.shape[:2]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return image[rows][:, columns]


def _jet(share):
    return np.stack([np.clip(1.5 - np.abs(4 * share - middle), 0, 1) for middle in (3, 2, 1)], -1)


def _recompressed(label, quality):
    import io

    buffer = io.BytesIO()
    PIL.Image.fromarray(label).save(buffer, "JPEG", quality=quality)
    return np.array(PIL.Image.open(buffer))


def _hha(metres):
    known = np.where(metres > 0, metres, 4)
    height = np.linspace(255, 0, metres.shape[0])[:, None] * np.minimum(known / 4, 1.2)
    across, down = np.gradient(known)
    angle = 90 + 90 * np.tanh(8 * down) + 20 * np.tanh(8 * across)
    return _bytes(np.stack([220 / known, height, angle], -1))


class Fault:
    """One kind of fault.

    Args:
        name: The finding's name.
        kinds: Of which folders it can be.
        put: Function of `(frames, rng, kind)` that changes frames, or returns others.
        units: Whether the unit is declared.
    """

    def __init__(self, name, kinds, put, declared=True, classes=False):
        self.name, self.kinds, self.put = name, kinds, put
        self.declared, self.classes = declared, classes


def _second(kind):
    return {"rooms": "depth", "chips": "sar", "heads": "t2", "streets": "thermal"}[kind]


def _each(change):
    def put(frames, rng, kind):
        for frame in frames:
            change(frame, rng, kind)

    return put


def _unit(units):
    def put(frames, rng, kind):
        for frame in frames:
            frame["depth"] = stored_depth(frame["metres"], units)

    return put


def _floats(frames, rng, kind):
    for frame in frames:
        frame["depth"] = frame["metres"].astype(np.float32)


def _disparity(frames, rng, kind):
    scale = rng.uniform(3000, 30000)
    for frame in frames:
        z = frame["metres"]
        frame["depth"] = stored_depth(np.where(z > 0, scale / np.maximum(z, 0.1), 0), 1)


def _inverted(frames, rng, kind):
    top = rng.choice([65535, 10000, 12000])
    for frame in frames:
        d = frame["depth"].astype(int)
        frame["depth"] = np.where(d > 0, top - d, 0).clip(0, 65535).astype(np.uint16)


def _color_map(frames, rng, kind):
    grey = rng.uniform() < 0.4
    for frame in frames:
        z = frame["metres"]
        share = np.clip(z / z.max(), 0, 1)
        frame["depth"] = _bytes(255 * (share if grey else _jet(share)))


def _as_hha(frames, rng, kind):
    for frame in frames:
        frame["depth"] = _hha(frame["metres"])


def _shifted_files(frames, rng, kind):
    column = rng.choice([_second(kind), "label"]) if kind != "heads" else _second(kind)
    lag = int(rng.choice([1, 2, 3, 5, -1, -2]))
    images = [frame[column] for frame in frames]
    for number, frame in enumerate(frames):
        frame[column] = images[(number + lag) % len(images)]


def _moved_sensor(frames, rng, kind):
    down, right = [(8, 0), (0, 8), (-9, 6), (12, -12), (0, -14), (10, 10)][rng.integers(6)]
    column = _second(kind)
    for frame in frames:
        frame[column] = _moved(frame[column], down, right)


def _mirrored(frames, rng, kind):
    axis = int(rng.integers(0, 2)) if kind != "heads" else 1
    for frame in frames:
        frame[_second(kind)] = np.flip(frame[_second(kind)], axis)


def _from_1(frames, rng, kind):
    for frame in frames:
        label = frame["label"]
        frame["label"] = np.where(label == 255, 255, label + 1).astype(np.uint8)


def _void_0(frames, rng, kind):
    for frame in frames:
        frame["label"] = (frame["label"].astype(int) + 1).astype(np.uint8)  # 255 becomes 0


def _foreground(frames, rng, kind):
    for frame in frames:
        frame["label"] = np.where(frame["label"] == 1, 255, 0).astype(np.uint8)


def _jpeg(frames, rng, kind):
    quality = int(rng.integers(60, 95))
    for frame in frames:
        frame["label"] = _recompressed(frame["label"], quality)


def _jpeg_file(frames, rng, kind):
    for frame in frames:
        frame["suffix"] = ".jpg"


def _palette(frames, rng, kind):
    colors = rng.integers(0, 256, (256, 3)).astype(np.uint8)
    colors[:20] = np.array([(n * 37 % 256, n * 91 % 256, n * 151 % 256) for n in range(20)])
    for frame in frames:
        frame["label"] = colors[frame["label"]]


def _constant(frames, rng, kind):
    column = _second(kind)
    for frame in frames if rng.uniform() < 0.5 else frames[:3]:
        frame[column] = np.full_like(frame[column], frame[column].max())


def _clipped(frames, rng, kind):
    column = "rgb" if kind in ("rooms", "chips", "streets") else "t1"
    gain = rng.uniform(2.0, 3.5)
    for frame in frames:
        values = frame[column].astype(float)
        gained = values * gain * 110 / max(np.mean(values[values > 0]), 1)
        frame[column] = _bytes(gained)


def _leak(frames, rng, kind):
    """The last examples, which validate, are nearly those of the first."""
    count = max(2, len(frames) // 6)
    for number in range(count):
        copy = {
            c: np.copy(v) if isinstance(v, np.ndarray) else v for c, v in frames[number].items()
        }
        for column, image in copy.items():
            if isinstance(image, np.ndarray) and image.dtype == np.uint8 and column != "label":
                grain = rng.normal(0, 2, image.shape)
                copy[column] = np.where(image > 0, _bytes(image * 0.95 + grain), 0).astype(np.uint8)
        frames[-1 - number] = copy


def _missing(frames, rng, kind):
    """Class 1 is in no training example."""
    validating = len(frames) // 4
    for frame in frames[:-validating]:
        frame["label"] = np.where(frame["label"] == 1, 0, frame["label"]).astype(np.uint8)
    for frame in frames[-validating:]:
        frame["label"][20:40, 20:40] = 1


ALL = tuple(KINDS)
FAULTS = [
    Fault("depth_in_5000ths_of_a_metre", ("rooms",), _unit(5000)),
    Fault("depth_in_tenths_of_a_millimetre", ("rooms",), _unit(10000)),
    Fault("depth_in_metres", ("rooms",), _unit(1)),
    Fault("depth_in_millimetres", ("rooms",), _unit(1000)),  # where 1/5000 m is declared
    Fault("depth_in_float_metres", ("rooms",), _floats),
    Fault("depth_is_disparity", ("rooms",), _disparity),
    Fault("depth_is_inverted", ("rooms",), _inverted),
    Fault("depth_is_color_map", ("rooms",), _color_map),
    Fault("depth_is_hha", ("rooms",), _as_hha),
    Fault("wrong_pairing", ALL, _shifted_files),
    Fault("misregistered", ALL, _moved_sensor),
    Fault("mirrored", ALL, _mirrored),
    Fault("labels_start_at_1", ("rooms", "chips", "streets"), _from_1),
    Fault("void_is_0", ("rooms", "chips", "streets"), _void_0, classes=True),
    Fault("foreground_is_255", ("heads",), _foreground),
    Fault("jpeg_mask", ("rooms", "chips", "streets"), _jpeg),
    Fault("jpeg_mask", ALL, _jpeg_file),
    Fault("palette_mask", ALL, _palette),
    Fault("constant_sensor", ALL, _constant),
    Fault("clipped_sensor", ALL, _clipped),
    Fault("split_leak", ALL, _leak),
    Fault("class_missing", ("rooms", "chips", "streets", "heads"), _missing),
]


def _write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    if image.dtype == np.float32:
        np.save(path.with_suffix(".npy"), image)
    else:
        PIL.Image.fromarray(image).save(path)


def make_folder(root, seed, fault=None, kind=None, count=None):
    """Writes a folder.

    Args:
        root: Where to.
        seed: Of the examples and of the fault's size.
        fault: `Fault`, None for a sound folder.
        kind: Key of `KINDS`; drawn from those of the fault if left out.
        count: Number of examples; 24 to 40 if left out.

    Returns:
        Arguments of `validate`, and the kind.
    """
    rng = np.random.default_rng((7, seed))
    kinds = ALL if fault is None else fault.kinds
    kind = kind or kinds[int(rng.integers(len(kinds)))]
    frames = sound(kind, rng, count or int(rng.integers(24, 41)))
    if fault is not None:
        frames = fault.put(frames, rng, kind) or frames
    split = len(frames) - len(frames) // 4
    for number, frame in enumerate(frames):
        of = "train" if number < split else "val"
        for column, image in frame.items():
            if column not in ("metres", "suffix"):
                suffix = frame.get("suffix", ".png") if column == "label" else ".png"
                _write(root / of / column / f"{number:04d}{suffix}", image)
    arguments = []
    if kind == "rooms":
        units = 5000 if fault is not None and fault.name == "depth_in_millimetres" else 1000
        arguments.append(f"--units={units}")
    if (fault is not None and fault.classes) or rng.uniform() < 0.5:
        arguments.append(f"--num_classes={CLASSES[kind]}")
    return arguments, kind
