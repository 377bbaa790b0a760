import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from tfds_builders.reading import MAX_IMAGE_BYTES, decode_image

DEPTH = np.random.default_rng(0).integers(0, 65536, (6, 8), np.uint16)


def png(array):
    buffer = io.BytesIO()
    PIL.Image.fromarray(array).save(buffer, "png")
    return buffer.getvalue()


def declare(data, width, height, bits=8, color=2):
    """The PNG with another header, as if it held this many pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def test_depth_is_exact():
    image = decode_image(png(DEPTH), "a.zip, member b.png")
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, DEPTH[..., None])


def test_errors_begin_with_the_name():
    with pytest.raises(ValueError, match=r"^a\.zip, member b\.png: cannot be read: "):
        decode_image(png(DEPTH)[:60], "a.zip, member b.png")
    with pytest.raises(ValueError, match=r"^b\.png: a label must be a uint8 mask"):
        decode_image(png(DEPTH), "b.png", is_label=True)


@pytest.mark.parametrize(
    ("width", "height", "bits", "color"),
    [
        (15000, 14500, 16, 2),
        (15000, 15000, 8, 2),
        (99999, 99999, 8, 0),
        # Fewer pixels than Pillow would refuse.
        (12000, 10000, 16, 2),
        (17000, 9000, 8, 6),
    ],
)
def test_a_bomb_is_refused_by_its_header(width, height, bits, color):
    data = declare(png(DEPTH), width, height, bits, color)
    with pytest.raises(ValueError, match=r"^b\.png: cannot be read: .* Cut it into tiles"):
        decode_image(data, "b.png")


def test_large_images_of_sensors_are_no_bombs(monkeypatch):
    assert MAX_IMAGE_BYTES >= 3 * 150_000_000
    # Pillow's own warning and error come at one and two times this many pixels.
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 30)
    assert decode_image(png(DEPTH), "b.png").shape == (6, 8, 1)
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(ValueError, match=r"^b\.png: cannot be read: the image is too large"):
        decode_image(png(DEPTH), "b.png")
