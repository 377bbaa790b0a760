"""Some examples side by side, as one picture."""

import colorsys

import numpy as np
import PIL.Image
import PIL.ImageDraw

from tfds_builders.reading.void import VOID

_WIDTH = 240
_GAP = 6
_LINE = 16
_NEAR_TO_FAR = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
_HOLE = (255, 255, 255)
_WRONG = (255, 0, 255)


def label_colors(num_classes):
    """uint8 `(256, 3)`: a colour for each class, black for void, magenta for what is neither."""
    colors = np.full((256, 3), _WRONG, np.uint8)
    for index in range(num_classes):
        hue, light = index * 0.618034 % 1, (0.9, 0.65)[index % 2]
        colors[index] = [round(255 * c) for c in colorsys.hsv_to_rgb(hue, 0.75, light)]
    colors[VOID] = 0
    return colors


def picture(image, is_label=False, num_classes=255):
    """A column's image as uint8 `(height, width, 3)`.

    Masks are coloured, images of one channel go from dark (small) to yellow (large) between their
    1st and 99th percentile with holes in white, others are shown by their first three channels.
    """
    if is_label:
        return label_colors(num_classes)[np.clip(image[..., 0], 0, 255)]
    if image.shape[-1] == 1:
        values = image[..., 0].astype(np.float64)
        holes = ~np.isfinite(values) | (values == 0)
        if image.dtype == np.uint16:
            holes |= values == 65535
        known = values[~holes]
        low, high = np.quantile(known, (0.01, 0.99)) if known.size else (0, 1)
        share = np.clip((np.where(holes, low, values) - low) / max(high - low, 1e-12), 0, 1)
        steps = np.linspace(0, 1, len(_NEAR_TO_FAR))
        channels = [np.interp(share, steps, [c[i] for c in _NEAR_TO_FAR]) for i in range(3)]
        shown = np.stack(channels, -1).astype(np.uint8)
        shown[holes] = _HOLE
        return shown
    values = image[..., :3]
    if values.dtype != np.uint8:
        values = np.nan_to_num(values.astype(np.float64))
        values = 255 * (values - values.min()) / max(np.ptp(values), 1e-12)
    values = np.pad(values, ((0, 0), (0, 0), (0, 3 - values.shape[-1])))
    return values.astype(np.uint8)


class ContactSheet:
    """Collects evenly spaced examples of each split and draws them.

    Args:
        columns: Names of the columns, in order.
        num_classes: Number of classes, None if unknown.
        examples: Number of examples of each split.
    """

    def __init__(self, columns, num_classes=None, examples=4):
        self.columns = tuple(columns)
        self.num_classes = num_classes or VOID
        self.examples = examples
        self._rows = []

    def offer(self, example, number, total):
        """Takes the `number`-th of `total` examples of a split, or leaves it."""
        if number % max(1, -(-total // self.examples)):
            return
        cells = {}
        for name, image in example.images.items():
            shown = PIL.Image.fromarray(picture(image, name == "label", self.num_classes))
            height = max(1, round(shown.height * _WIDTH / shown.width))
            nearest = PIL.Image.Resampling.NEAREST
            cells[name] = shown.resize((_WIDTH, height), nearest)
        self._rows.append((f"{example.split}  {example.name}", cells))

    def write(self, path):
        """Writes the sheet as a PNG file; nothing if there is no example."""
        if not self._rows:
            return
        heights = [
            max((cell.height for cell in cells.values()), default=_LINE) for _, cells in self._rows
        ]
        width = _GAP + len(self.columns) * (_WIDTH + _GAP)
        height = _GAP + _LINE + sum(height + _LINE + _GAP for height in heights)
        sheet = PIL.Image.new("RGB", (width, height), (245, 245, 245))
        draw = PIL.ImageDraw.Draw(sheet)
        for place, name in enumerate(self.columns):
            draw.text((_GAP + place * (_WIDTH + _GAP), _GAP), name, fill=(0, 0, 0))
        top = _GAP + _LINE
        for (title, cells), row in zip(self._rows, heights, strict=True):
            draw.text((_GAP, top), title, fill=(90, 90, 90))
            for place, name in enumerate(self.columns):
                left = _GAP + place * (_WIDTH + _GAP)
                if name in cells:
                    sheet.paste(cells[name], (left, top + _LINE))
                else:
                    draw.text((left, top + _LINE), "cannot be read", fill=(200, 0, 0))
            top += row + _LINE + _GAP
        sheet.save(path)
