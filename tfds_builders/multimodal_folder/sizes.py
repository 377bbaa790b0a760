"""Bringing the images of one example to one size."""

import numpy as np
import PIL.Image

MARGIN = 40
"""An image may be larger than the reference by one part in 40 (2.5 %) of each of its sides: the
papers crop 480x640 to 468x625. More than this is another resolution or field of view."""


def center_crop(image, height, width):
    """The middle of an image: 480x640 to 468x625 is `[6:474, 7:632]`."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def _nearest(image, height, width):
    rows, columns = (
        ((2 * np.arange(new) + 1) * old // (2 * new))
        for new, old in ((height, image.shape[0]), (width, image.shape[1]))
    )
    return image[rows][:, columns]


def resize(image, height, width, is_label=False):
    """An image in another size.

    Masks, images of one channel (depth, whose distances must not be mixed) and 16-bit colours take
    the nearest pixel. 8-bit colours are interpolated linearly, and averaged over the area where
    they shrink.

    Args:
        image: `(height, width, channels)` array.
        height, width: The new size.
        is_label: Whether it is a mask.

    Returns:
        An array of the same type and number of channels.
    """
    if image.shape[:2] == (height, width):
        return image
    if is_label or image.shape[-1] == 1 or image.dtype != np.uint8:
        return _nearest(image, height, width)
    # Each channel by itself: of four channels Pillow would take the last for alpha.
    linear = PIL.Image.Resampling.BILINEAR
    channels = [
        PIL.Image.fromarray(np.ascontiguousarray(channel)).resize((width, height), linear)
        for channel in np.moveaxis(image, -1, 0)
    ]
    return np.stack(channels, -1)


def within_margin(size, reference):
    """Whether an image may be centre-cropped to the reference: both are height and width."""
    return all(
        0 <= side - wanted <= side / MARGIN for side, wanted in zip(size, reference, strict=True)
    )


def _listed(sizes):
    return ", ".join(f"{column} {height}x{width}" for column, (height, width) in sizes.items())


def to_one_size(images, crop_to=None, resized=(), label_column=None):
    """Resizes and centre-crops images to the size of a reference.

    Args:
        images: Dictionary from column to `(height, width, channels)` array.
        crop_to: Column that gives the size and to which images are cropped that are larger by at
            most 2.5 % of each side. None: the sizes must agree as they are.
        resized: Columns that are resized to the reference instead; without `crop_to` the reference
            is the first of the others.
        label_column: The column with the masks.

    Returns:
        A dictionary like `images`.

    Raises:
        ValueError: If sizes differ otherwise. The message holds all of them.
    """
    reference = crop_to or next(column for column in images if column not in resized)
    size = images[reference].shape[:2]
    images = {
        column: resize(image, *size, column == label_column) if column in resized else image
        for column, image in images.items()
    }
    sizes = {column: image.shape[:2] for column, image in images.items()}
    if crop_to is None:
        if len(set(sizes.values())) > 1:
            raise ValueError(
                f"the images must have one size (height x width). Received: {_listed(sizes)}. If "
                "they show the same middle, name the column to crop to: `crop_to`. If they show "
                f"the same view in another resolution, name those to resize: {_advice(sizes, size)}"
            )
        return images
    others = {column: s for column, s in sizes.items() if not within_margin(s, size)}
    if others:
        raise ValueError(
            "the images must have one size (height x width), or be larger than column "
            f"{crop_to!r} by at most 2.5 % of each side, which is cropped. Received: "
            f"{_listed({crop_to: size, **others})}. If they show the same view in another "
            f"resolution, have them resized: {_advice(others, size)}; if they show another view, "
            f"crop the files to that of {crop_to!r}{_turned(others, size)}"
        )
    return {column: center_crop(image, *size) for column, image in images.items()}


def _turned(sizes, reference):
    names = [column for column, size in sizes.items() if size == reference[::-1]]
    if not names:
        return ""
    return f". {', '.join(names)}: turned by 90 degrees? Images are read upright as EXIF says"


def _advice(sizes, reference):
    names = tuple(column for column, size in sizes.items() if size != reference)
    arguments = ", ".join(map(repr, names))
    return f"resize=({arguments},), in a recipe --config.data.resize={','.join(names)}"
