"""Everything that Pillow would change without a word is read exactly, or refused with the fix."""

import io
import struct

import cv2
import numpy as np
import PIL.Image
import pytest

from tfds_builders.reading import decode_image

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 8), np.uint8)
RGB = RNG.integers(0, 256, (6, 8, 3), np.uint8)
GREY16 = RNG.integers(0, 65536, (6, 8), np.uint16)
RGB16 = RNG.integers(0, 65536, (6, 8, 3), np.uint16)
FLOAT = RNG.normal(size=(6, 8)).astype(np.float32)


def save(image, kind, **options):
    buffer = io.BytesIO()
    if isinstance(image, np.ndarray):
        image = PIL.Image.fromarray(image)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def opencv(array, suffix):
    return cv2.imencode(suffix, array)[1].tobytes()


def tiff(values, bits, photometric=1, sample_format=1, extra=(), order="<"):
    """An uncompressed TIFF of 8x6 pixels of any layout; `values` are its bytes."""
    samples = len(bits)
    arrays = {258: bits, 338: extra, 339: (sample_format,) * samples}
    tags = {256: (8,), 257: (6,), 259: (1,), 262: (photometric,), 277: (samples,), 278: (6,)}
    tags |= {tag: value for tag, value in arrays.items() if value}
    tags |= {273: (None,), 279: (len(values),)}
    start = 8 + 2 + 12 * len(tags) + 4
    late = b""
    entries = b""
    for tag, value in sorted(tags.items()):
        if tag == 273:
            value = (start + 2 * sum(len(v) for v in arrays.values()),)
        data = struct.pack(f"{order}{len(value)}H", *value)
        if len(data) > 4:
            place = struct.pack(f"{order}I", start + len(late))
            late += data
            data = place
        entries += struct.pack(f"{order}HHI", tag, 3, len(value)) + data.ljust(4, b"\0")
    magic = b"II*\0" if order == "<" else b"MM\0*"
    header = magic + struct.pack(f"{order}IH", 8, len(tags)) + entries + bytes(4)
    padding = bytes(start + 2 * sum(len(v) for v in arrays.values()) - len(header) - len(late))
    return header + late + padding + values


def palette(kind):
    image = PIL.Image.fromarray(GREY).convert("P")
    image.putdata(GREY.ravel().tolist())
    image.putpalette(RNG.integers(0, 256, 768, np.uint8).tobytes())
    return save(image, kind)


EXACT = {
    "8-bit TIFF": (tiff(GREY.tobytes(), (8,)), GREY),
    "RGB TIFF": (tiff(RGB.tobytes(), (8, 8, 8), photometric=2), RGB),
    "16-bit TIFF": (tiff(GREY16.tobytes(), (16,)), GREY16),
    "16-bit TIFF, big-endian": (tiff(GREY16.astype(">u2").tobytes(), (16,), order=">"), GREY16),
    "16-bit TIFF of OpenCV": (opencv(GREY16, ".tiff"), GREY16),
    "float TIFF": (tiff(FLOAT.tobytes(), (32,), sample_format=3), FLOAT),
    "float TIFF, LZW": (save(FLOAT, "tiff", compression="tiff_lzw"), FLOAT),
    "16-bit PNG": (save(GREY16, "png"), GREY16),
    "16-bit RGB PNG": (opencv(RGB16[..., ::-1], ".png"), RGB16),
    "16-bit PGM": (opencv(GREY16, ".pgm"), GREY16),
    "PGM": (opencv(GREY, ".pgm"), GREY),
    "PFM": (opencv(FLOAT, ".pfm"), FLOAT),
    "BMP": (save(GREY, "bmp"), GREY),
    "WebP": (save(RGB, "webp", lossless=True, exact=True), RGB),
}


@pytest.mark.parametrize("name", EXACT)
def test_exact(name):
    data, expected = EXACT[name]
    image = decode_image(data, "a")
    assert image.dtype == expected.dtype
    np.testing.assert_array_equal(image.reshape(expected.shape), expected)


BITS = np.packbits(GREY > 99, axis=1)
NIBBLES = (GREY[:, ::2] & 240 | GREY[:, 1::2] >> 4).tobytes()
REFUSED = {
    "TIFF with channels of 32-bit integers": (
        tiff(bytes(6 * 8 * 12), (32,) * 3, photometric=2),
        "one of a rare kind",
    ),
    "4-bit TIFF": (tiff(NIBBLES, (4,)), "grey TIFF with 4 bits; save it with 8 or 16"),
    "1-bit TIFF": (save(GREY > 99, "tiff"), "'1': 1 bit for each pixel; save it with 8 bits"),
    "white is zero": (tiff(GREY.tobytes(), (8,), photometric=0), "TIFF whose 0 is white"),
    "32-bit TIFF": (save(GREY16.astype(np.int32), "tiff"), "'I': 32-bit or signed integers"),
    "float64 TIFF": (
        tiff(FLOAT.astype("f8").tobytes(), (64,), sample_format=3),
        "one of a rare kind .such as float64.*float32",
    ),
    "premultiplied TIFF": (
        tiff(bytes(6 * 8 * 4), (8,) * 4, photometric=2, extra=(1,)),
        "premultiplied alpha",
    ),
    "CMYK": (save(PIL.Image.new("CMYK", (8, 6)), "jpeg"), "'CMYK': colours for print.* as RGB"),
    "LA": (save(PIL.Image.new("LA", (8, 6)), "png"), "'LA': grey with an alpha.* without alpha"),
    "1-bit PNG": (save(GREY > 99, "png"), "grey PNG with 1 bits; save it with 8 or 16 bits"),
    "palette": (palette("png"), "palette image, which is read for labels only; save it as RGB"),
    "PGM to 31": (b"P5 8 6 31\n" + bytes(48), "largest value is neither 255 nor 65535"),
    "16-bit PPM": (opencv(RGB16, ".ppm"), "largest value is neither 255 nor 65535"),
    "plain PGM": (b"P2 8 6 255\n" + b"7 " * 48, "plain text"),
    "two pages": (
        save(GREY, "tiff", save_all=True, append_images=[PIL.Image.fromarray(GREY)]),
        "it holds 2 pictures; save each",
    ),
    "animated": (
        save(GREY, "gif", save_all=True, append_images=[PIL.Image.fromarray(255 - GREY)]),
        "it holds 2 pictures",
    ),
    "JPEG 2000": (save(RGB, "jpeg2000"), "JPEG 2000 picture"),
    "AVIF": (save(RGB, "avif"), "AVIF picture"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    data, message = REFUSED[name]
    with pytest.raises(ValueError, match=f"^a.b: cannot be read: .*({message})"):
        decode_image(data, "a.b")


def test_overviews_are_no_pages():
    buffer = io.BytesIO()
    overview = PIL.Image.fromarray(GREY[::2, ::2].copy())
    overview.encoderinfo = {"tiffinfo": {254: 1}}
    PIL.Image.fromarray(GREY).save(buffer, "tiff", save_all=True, append_images=[overview])
    image = decode_image(buffer.getvalue(), "a")
    np.testing.assert_array_equal(image[..., 0], GREY)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("jpeg", {"quality": 100}),
        ("webp", {"lossless": True}),
        ("webp", {}),
        ("jpeg2000", {}),
        ("tiff", {"compression": "jpeg"}),
    ],
)
def test_lossy_masks(kind, options):
    message = "picture" if kind == "jpeg2000" else "lossless format: PNG.* Export the masks anew"
    with pytest.raises(ValueError, match=f"^a.b: cannot be read: .*{message}"):
        decode_image(save(GREY, kind, **options), "a.b", is_label=True)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("png", {}),
        ("bmp", {}),
        ("tiff", {}),
        ("tiff", {"compression": "tiff_lzw"}),
        ("tiff", {"compression": "tiff_adobe_deflate"}),
        ("tiff", {"compression": "packbits"}),
    ],
)
def test_lossless_masks(kind, options):
    label = decode_image(save(GREY, kind, **options), "a.b", is_label=True)
    np.testing.assert_array_equal(label[..., 0], GREY)


def test_grey_gif_masks():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    label = decode_image(save(grey, "gif"), "a.gif", is_label=True)
    np.testing.assert_array_equal(label[..., 0], grey)
    # Of fewer values Pillow writes other indices and puts the grey values into the palette.
    with pytest.raises(ValueError, match=r"palette GIF, whose writers renumber .* as PNG"):
        decode_image(save(GREY, "gif"), "a.gif", is_label=True)


@pytest.mark.parametrize("kind", ["png", "tiff", "bmp"])
def test_palette_masks(kind):
    label = decode_image(palette(kind), "a.b", is_label=True)
    np.testing.assert_array_equal(label[..., 0], GREY)
