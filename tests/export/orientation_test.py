import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from keras_asym.export.encoded_images import decode_images

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 9, 3), "uint8")


def tags(orientation, order="<", kind=3, offset=8, others=2):
    """EXIF's tags, with others in front of the orientation."""
    entries = [struct.pack(order + "HHII", 0x010F + i, 4, 1, 6) for i in range(others)]
    packed = {1: "B3x", 3: "H2x", 4: "I"}[kind]
    entries.append(struct.pack(order + "HHI" + packed, 0x0112, kind, 1, orientation))
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", offset)
    body = struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    return start.ljust(offset, b"\6") + body


def pillow_tags(orientation):
    exif = Image.Exif()
    exif[0x010F] = "maker"
    exif[0x0112] = orientation
    return exif


def saved(format, **options):
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, format, **options)
    return file.getvalue()


def with_late_chunk(png, data):
    """The PNG with its EXIF behind the pixels, where some programs write it."""
    chunk = b"eXIf" + data
    end = png.index(b"IEND") - 4
    length, check = struct.pack(">I", len(data)), struct.pack(">I", zlib.crc32(chunk))
    return png[:end] + length + chunk + check + png[end:]


@tf.function(input_signature=[tf.TensorSpec((None,), "string")], autograph=False)
def decoded(files):
    return decode_images("rgb", files, 3, "uint8", 10_000, 10_000)


def decode(*files):
    return decoded(tf.constant(files)).numpy()


FILES = {
    "JPEG of Pillow": lambda o: saved("JPEG", exif=pillow_tags(o)),
    "PNG of Pillow": lambda o: saved("PNG", exif=pillow_tags(o)),
    "JPEG, little endian": lambda o: saved("JPEG", exif=b"Exif\0\0" + tags(o, "<")),
    "JPEG, big endian": lambda o: saved("JPEG", exif=b"Exif\0\0" + tags(o, ">")),
    "PNG, little endian": lambda o: saved("PNG", exif=tags(o, "<")),
    "PNG, big endian": lambda o: saved("PNG", exif=tags(o, ">")),
    "behind the pixels": lambda o: with_late_chunk(saved("PNG"), tags(o, ">")),
    "behind a profile": lambda o: saved("JPEG", exif=pillow_tags(o), icc_profile=bytes(70_000)),
    "far away": lambda o: saved("JPEG", exif=b"Exif\0\0" + tags(o, ">", offset=40_000)),
    "the only tag": lambda o: saved("JPEG", exif=b"Exif\0\0" + tags(o, others=0)),
    "long integer": lambda o: saved("PNG", exif=tags(o, ">", kind=4)),
    "one byte": lambda o: saved("PNG", exif=tags(o, "<", kind=1)),
}


@pytest.mark.parametrize("case", FILES)
def test_an_orientation_is_refused(case):
    upright = FILES[case](1)
    assert decode(upright).shape == (1, 6, 9, 3)
    for orientation in (2, 3, 6, 8):
        file = FILES[case](orientation)
        pillow = Image.open(io.BytesIO(file)).getexif()[0x0112]
        assert pillow in (orientation, bytes([orientation]))
        message = (
            r"`rgb` must hold images with the EXIF orientation.* rotate the pixels, or remove the "
            rf"tag.*each.*\[1 {orientation}\]"
        )
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            decode(upright, file)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_what_is_no_orientation_says_nothing(format, orientation):
    assert decode(saved(format, exif=pillow_tags(orientation))).shape == (1, 6, 9, 3)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"II",
        b"II*\0",
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        tags(6)[:-12],
        tags(6, offset=10)[:-20],
        b"not EXIF " + tags(6),
        b"eXIfeXIf" + tags(6)[4:],
        b"XX*\0" + tags(6)[4:],
    ],
    ids=range(10),
)
def test_damaged_tags_say_nothing(format, data):
    plain = saved("JPEG")
    if format == "PNG":
        file = with_late_chunk(saved("PNG"), data)
    else:
        segment = b"\xff\xe1" + struct.pack(">H", 8 + len(data)) + b"Exif\0\0" + data
        file = plain[:2] + segment + plain[2:]
    assert decode(file).shape == (1, 6, 9, 3)


def test_words_in_a_comment_are_no_tags():
    file = saved("JPEG", comment=b"Exif\0\0" + tags(6))
    assert decode(file).shape == (1, 6, 9, 3)


XMP = b'<x:xmpmeta><rdf:Description tiff:Make="maker" %s></rdf:Description></x:xmpmeta>'


def xmp_file(format, text):
    if format == "JPEG":
        return saved("JPEG", xmp=XMP % text)
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", (XMP % text).decode())
    return saved("PNG", pnginfo=info)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("text", [b'tiff:Orientation="%d"', b"><tiff:Orientation>%d</a"])
def test_xmp_declares_it_too(format, text):
    assert decode(xmp_file(format, text % 1)).shape == (1, 6, 9, 3)
    file = xmp_file(format, text % 8)
    assert Image.open(io.BytesIO(file)).getexif()[0x0112] == 8
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"rotate the pixels.*\[8\]"):
        decode(file)


def test_exif_counts_more_than_xmp():
    file = saved("JPEG", xmp=XMP % b'tiff:Orientation="6"', exif=pillow_tags(1))
    assert Image.open(io.BytesIO(file)).getexif()[0x0112] == 1
    assert decode(file).shape == (1, 6, 9, 3)


def test_sixteen_bits():
    image = np.arange(54, dtype="uint16").reshape(6, 9, 1)
    file = tf.io.encode_png(image).numpy()

    def decode_depth(data):
        return decode_images("depth", tf.constant([data]), 1, "uint16", 10_000, 10_000)

    np.testing.assert_array_equal(decode_depth(file)[0], image)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"`depth` must .* EXIF orientation"):
        decode_depth(with_late_chunk(file, tags(3)))


def test_pixels_are_those_of_the_file():
    np.testing.assert_array_equal(decode(saved("PNG", exif=pillow_tags(1)))[0], PIXELS)
