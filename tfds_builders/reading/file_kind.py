"""What a file is that should have been an image, and what to do about it."""

READABLE = "PNG, JPEG, TIFF, BMP, GIF, WebP, PGM, PPM or PFM"

_CONVERT = "Convert it to PNG (uint8, uint16), or to TIFF or .npy (float32)."
_BY_BRAND = {  # of the ISO base media format
    b"heic": "an HEIC picture",
    b"heix": "an HEIC picture",
    b"hevc": "an HEIC picture",
    b"heim": "an HEIC picture",
    b"mif1": "an HEIF picture",
    b"msf1": "an HEIF picture",
    b"avif": "an AVIF picture",
    b"avis": "an AVIF picture",
}
_BY_BEGINNING = (
    (b"version https://git-lfs", "a Git LFS pointer", "Run `git lfs pull` to get the file itself."),
    (b"/annex/objects/", "a git-annex pointer", "Run `git annex get` to get the file itself."),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture", "Convert it to a float32 TIFF or .npy."),
    (b"#?RADIANCE", "a Radiance HDR picture", "Convert it to a float32 TIFF or .npy."),
    (b"\x93NUMPY", "a NumPy array", "Name it with the suffix .npy."),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture", _CONVERT),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture", _CONVERT),
    (b"\xff\x0a", "a JPEG XL picture", _CONVERT),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture", _CONVERT),
    (b"8BPS", "a Photoshop picture", _CONVERT),
    (b"%!PS", "PostScript", _CONVERT),
    (b"%PDF", "a PDF document", _CONVERT),
    (b"\x89HDF\r\n", "an HDF5 file", _CONVERT),
    (b"MATLAB 5.0", "a MATLAB file", _CONVERT),
    (b"PK\x03\x04", "a ZIP archive (or .npz)", "Unpack it."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it."),
    (b"\x00\x05\x16\x07", "what macOS keeps beside a file", "Take the file without `._`."),
    (b"\x00\x00\x00\x01Bud1", "a .DS_Store file of macOS", "Leave it out of the list."),
    (b"\x89PNG", "a damaged PNG", "Copy it again."),
    (b"\xff\xd8\xff", "a damaged JPEG", "Copy it again."),
    (b"II*\x00", "a damaged TIFF, or one of a rare kind (such as float64)", _CONVERT),
    (b"MM\x00*", "a damaged TIFF, or one of a rare kind (such as float64)", _CONVERT),
)
_PAGE = "Its download failed, or asks for a login: open the address in a browser."


def foreign_kind(data):
    """Says what a file is that no decoder knows.

    Args:
        data: The file's bytes.

    Returns:
        A sentence with the kind of file and one with the likely fix, for an error message.

    Example:

    >>> from tfds_builders.reading.file_kind import foreign_kind
    >>> foreign_kind(b"")
    'the file is empty. Copy it again; was the disk full?'
    """
    if not data:
        return "the file is empty. Copy it again; was the disk full?"
    for beginning, kind, fix in _BY_BEGINNING:
        if data.startswith(beginning):
            return f"it is {kind}, not an image that can be read. {fix}"
    if data[4:8] == b"ftyp":
        kind = _BY_BRAND.get(data[8:12], "a video or a picture of a phone")
        return f"it is {kind}, which is not read. {_CONVERT}"
    text = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return f"it is a web page (HTML), not an image. {_PAGE}"
    if text.startswith((b"<?xml", b"<svg")):
        return f"it is XML or SVG, not an image of pixels. {_CONVERT}"
    if not any(data[:512]):
        return "it begins with zeros: its download or copy broke off. Copy it again."
    begins = f"it begins with {data[:16]!r}"
    if all(byte >= 32 or byte in b"\t\r\n" for byte in data[:512]):
        return f"it is text, not an image ({begins}). Check the list and the download."
    return f"it is none of {READABLE} ({begins}). {_CONVERT}"
