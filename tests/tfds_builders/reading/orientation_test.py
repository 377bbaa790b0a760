import io

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tfds_builders.reading import decode_image

# Where the stored upper left corner belongs, and the lower left one: (row, column) of a frame whose
# last row and column are -1. From the table of the EXIF standard.
CORNERS = {
    1: ((0, 0), (-1, 0)),
    2: ((0, -1), (-1, -1)),
    3: ((-1, -1), (0, -1)),
    4: ((-1, 0), (0, 0)),
    5: ((0, 0), (0, -1)),
    6: ((0, -1), (0, 0)),
    7: ((-1, -1), (-1, 0)),
    8: ((-1, 0), (-1, -1)),
}
STORED = np.zeros((24, 32), np.uint8)
STORED[:8, :8], STORED[-8:, :8] = 100, 200


def encode(array, kind, orientation, **options):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    PIL.Image.fromarray(array).save(buffer, kind, exif=exif, **options)
    return buffer.getvalue()


def check(image, orientation, scale=1):
    assert image.shape[:2] == ((32, 24) if orientation > 4 else (24, 32))
    for corner, value in zip(CORNERS[orientation], (100, 200), strict=True):
        middle = tuple(3 if place == 0 else -4 for place in corner)
        assert np.abs(image[middle].astype(int) - value * scale).max() < 5, (corner, value)


@pytest.mark.parametrize("orientation", CORNERS)
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("jpeg", {"quality": 95}),
        ("png", {}),
        ("webp", {"lossless": True}),
        ("tiff", {}),
        ("tiff", {"compression": "tiff_lzw"}),
    ],
)
def test_pictures_are_turned_upright(kind, options, orientation):
    data = encode(np.stack([STORED] * 3, -1), kind, orientation, **options)
    check(decode_image(data, "a"), orientation)


@pytest.mark.parametrize("kind", ["png", "tiff"])
@pytest.mark.parametrize("orientation", CORNERS)
def test_so_are_masks_and_depth(kind, orientation):
    check(decode_image(encode(STORED, kind, orientation), "a", is_label=True), orientation)
    depth = decode_image(encode(STORED.astype(np.uint16) * 257, kind, orientation), "a")
    assert depth.dtype == np.uint16
    check(depth, orientation, 257)


def chunk(name, data):
    import struct
    import zlib

    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def test_so_are_16_bit_colours():
    plain = tf.io.encode_png(np.stack([STORED] * 3, -1).astype(np.uint16) * 257).numpy()
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    data = plain[:-12] + chunk(b"eXIf", exif.tobytes()[6:]) + plain[-12:]  # before IEND
    image = decode_image(data, "a")
    assert image.dtype == np.uint16
    check(image, 6, 257)


@pytest.mark.parametrize("orientation", [0, 9])
def test_nonsense_is_upright(orientation):
    data = encode(STORED, "png", orientation)
    np.testing.assert_array_equal(decode_image(data, "a")[..., 0], STORED)
