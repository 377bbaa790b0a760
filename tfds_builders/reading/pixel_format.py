"""Refuses pictures that Pillow would change without a word while it decodes them."""

_FOR_LABELS = ("PNG", "TIFF", "BMP", "GIF", "PPM")
_LOSSLESS_TIFF = (
    *("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "tiff_raw_16"),
    *("lzma", "zstd"),
)
_FIXES = {
    "1": "1 bit for each pixel; save it with 8 bits",
    "I": "32-bit or signed integers; save it as uint16, or as float32",
    "LA": "grey with an alpha channel; save it without alpha",
    "La": "grey with an alpha channel; save it without alpha",
    "PA": "a palette with an alpha channel; save it without alpha",
    "CMYK": "colours for print; save it as RGB",
    "RGBX": "RGB and a fourth channel of unknown meaning; save it as RGB or RGBA",
}
_BITS, _PHOTOMETRIC, _EXTRA, _SUBFILE = 258, 262, 338, 254  # tags of TIFF
_WHITE_IS_ZERO, _PREMULTIPLIED = 0, 1
_REDUCED_OR_MASK = 1 | 4  # overviews and transparency masks are no pictures of their own
_MODES = ("L", "P", "RGB", "RGBA", "I;16", "I;16B", "I;16L", "I;16N", "F")


def _check_tiff(image):
    bits = tuple(image.tag_v2.get(_BITS, (1,)))
    photometric = image.tag_v2.get(_PHOTOMETRIC)
    if len(bits) != len(image.getbands()) or (len(bits) > 1 and set(bits) != {8}):
        # Pillow would keep the high bytes, or the first channels.
        raise ValueError(
            f"TIFF with {len(bits)} channels of {'/'.join(map(str, bits))} bits, of which some "
            "would be lost; save it as PNG (which has 16 bits for RGB, too) or .npy"
        )
    if image.mode == "L" and bits[0] < 8:
        raise ValueError(f"grey TIFF with {bits[0]} bits; save it with 8 or 16 bits")
    if photometric == _WHITE_IS_ZERO and image.mode != "F":
        raise ValueError("TIFF whose 0 is white; save it with black for 0")
    if _PREMULTIPLIED in image.tag_v2.get(_EXTRA, ()):
        raise ValueError("TIFF with premultiplied alpha; save it with plain alpha, or without")


def _pages(image):
    """Number of pictures in the file, without overviews."""
    count = getattr(image, "n_frames", 1)
    if image.format in ("JPEG", "MPO") or count == 1:  # phones keep a preview beside the picture
        return 1
    if image.format != "TIFF":
        return count
    found = 0
    for page in range(count):
        image.seek(page)
        found += not image.tag_v2.get(_SUBFILE, 0) & _REDUCED_OR_MASK
    image.seek(0)
    return found


def _check_label(image):
    kind = image.format
    if kind == "GIF" and image.mode == "P":
        raise ValueError("palette GIF, whose writers renumber the palette; export the masks as PNG")
    if kind == "TIFF" and image.info.get("compression", "raw") not in _LOSSLESS_TIFF:
        kind = f"TIFF with {image.info['compression']} compression"
    if kind not in _FOR_LABELS:
        raise ValueError(
            "a label must be in a lossless format: PNG, TIFF without lossy compression, BMP, grey "
            f"GIF or .npy. Received: {kind}, whose compression changes class indices. Export the "
            "masks anew as PNG: converting this file does not bring them back"
        )


def check_pixel_format(image, png_bits=None, is_label=False):
    """Raises a `ValueError` for what could not be decoded with exactly the file's values.

    Args:
        image: An opened `PIL.Image.Image`, of which only the header need be read.
        png_bits: Bit depth of a PNG of grey values, None for all else.
        is_label: Whether it is a mask of class indices.
    """
    if is_label:
        _check_label(image)
    if png_bits is not None and png_bits < 8:
        # Pillow would stretch the values to 0..255.
        raise ValueError(f"grey PNG with {png_bits} bits; save it with 8 or 16 bits")
    if image.format == "TIFF":
        _check_tiff(image)
    if image.format == "PPM" and image.tile[0][0] != "raw":
        raise ValueError(
            "PGM or PPM of plain text, or whose largest value is neither 255 nor 65535"
        )
    pages = _pages(image)
    if pages > 1:
        raise ValueError(f"it holds {pages} pictures; save each to a file of its own")
    if image.mode == "P" and not is_label:
        raise ValueError("palette image, which is read for labels only; save it as RGB")
    is_16_bits = png_bits == 16 or image.format == "PPM"
    if image.mode not in _MODES and not (image.mode == "I" and is_16_bits):
        fix = _FIXES.get(image.mode, "save it as RGB, or as grey with 8 or 16 bits")
        raise ValueError(f"pixel format {image.mode!r}: {fix}")
