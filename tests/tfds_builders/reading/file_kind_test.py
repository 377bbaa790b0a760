import pytest

from tfds_builders.reading import decode_image

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty. Copy it again"),
        (POINTER, "Git LFS pointer, .* Run `git lfs pull`"),
        (b"/annex/objects/SHA256E-s12--4d7a.png\n", "git-annex pointer, .* Run `git annex get`"),
        (b"\x76\x2f\x31\x01\x02\0\0\0channels", "an OpenEXR picture.* float32 TIFF or .npy"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1", "an HEIC picture, .* Convert it to PNG"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF picture, .* Convert it to PNG"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture, .* Convert it to PNG"),
        (b"<!DOCTYPE html><html>Log in", r"a web page \(HTML\), .* download failed"),
        (b"\n <html><body>404", r"a web page \(HTML\)"),
        (b"<?xml version='1.0'?><svg/>", "XML or SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript, .* Convert"),
        (b"PK\x03\x04\x14\0", "a ZIP archive"),
        (b"\x00\x05\x16\x07\0\2", "macOS"),
        (b"\0\0\0\x01Bud1\0\0", r"a \.DS_Store file"),
        (b"\x93NUMPY\x01\0", "a NumPy array, .* suffix .npy"),
        (bytes(5000), "it begins with zeros: its download or copy broke off"),
        (b"rgb/1.png\tlabel/1.png\n", r"it is text, not an image \(it begins with b'rgb/1"),
        (b"\x01\x02\xfe\xff\0\0", r"it is none of PNG, JPEG.* \(it begins with b'\\x01"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a damaged PNG, .* Copy it again"),
    ],
)
def test_what_is_no_image_is_called_by_its_name(data, message):
    with pytest.raises(ValueError, match=rf"^a\.png: cannot be read: .*{message}") as raised:
        decode_image(data, "a.png")
    assert "BytesIO" not in str(raised.value)
