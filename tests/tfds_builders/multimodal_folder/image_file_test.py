import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tfds_builders.multimodal_folder.image_file import read_image_file

RNG = np.random.default_rng(0)
UINT8 = RNG.integers(0, 256, (6, 8, 3), np.uint8)
UINT16 = RNG.integers(0, 65536, (6, 8), np.uint16)
FLOAT32 = RNG.random((6, 8), np.float32)


def save(path, array, **kwargs):
    PIL.Image.fromarray(array).save(path, **kwargs)
    return path


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_uint8(tmp_path, channels, suffix):
    array = RNG.integers(0, 256, (6, 8, channels), np.uint8)
    path = save(tmp_path / f"a.{suffix}", array[..., 0] if channels == 1 else array)
    image = read_image_file(path)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, array)


def test_jpeg(tmp_path):
    image = read_image_file(save(tmp_path / "a.jpg", UINT8 // 64 + 100))
    assert image.shape == (6, 8, 3) and image.dtype == np.uint8


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_uint16(tmp_path, suffix):
    image = read_image_file(save(tmp_path / f"a.{suffix}", UINT16))
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image[..., 0], UINT16)


def test_uint16_with_three_channels(tmp_path):
    array = RNG.integers(0, 65536, (6, 8, 3), np.uint16)
    (tmp_path / "a.png").write_bytes(tf.io.encode_png(array).numpy())
    image = read_image_file(tmp_path / "a.png")
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, array)


@pytest.mark.parametrize(
    "array",
    [
        *(UINT8, UINT16, FLOAT32, FLOAT32[..., None], UINT16.astype(">u2"), UINT8[..., :2]),
        *(np.stack([FLOAT32] * 5, -1), UINT16.astype(np.int16)),
    ],
)
def test_npy(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    image = read_image_file(tmp_path / "a.npy")
    assert image.ndim == 3 and image.dtype.isnative and image.dtype.kind == array.dtype.kind
    np.testing.assert_array_equal(image.reshape(array.shape), array)


def test_float_tiff(tmp_path):
    image = read_image_file(save(tmp_path / "a.tiff", FLOAT32))
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image[..., 0], FLOAT32)


def palette_image(bits=8):
    indices = RNG.integers(0, 2**bits, (6, 8), np.uint8)
    image = PIL.Image.fromarray(indices, mode=None).convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette(RNG.integers(0, 256, 768, np.uint8).tobytes())
    return indices, image


@pytest.mark.parametrize("bits", [8, 4, 2, 1])
def test_palette_label_gives_indices(tmp_path, bits):
    indices, image = palette_image(bits)
    image.save(tmp_path / "a.png", bits=bits)
    np.testing.assert_array_equal(
        read_image_file(tmp_path / "a.png", is_label=True)[..., 0], indices
    )


def test_palette_image_that_is_no_label(tmp_path):
    palette_image()[1].save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png: cannot be read: palette image"):
        read_image_file(tmp_path / "a.png")


def test_grey_png_with_few_bits(tmp_path):
    save(tmp_path / "a.png", UINT8[..., 0] > 100)
    with pytest.raises(ValueError, match=r"a\.png: cannot be read: grey PNG with 1 bits"):
        read_image_file(tmp_path / "a.png", is_label=True)


def test_missing(tmp_path):
    with pytest.raises(ValueError, match=r"a\.png: there is no such file"):
        read_image_file(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.npy: there is no such file"):
        read_image_file(tmp_path / "a.npy")


@pytest.mark.parametrize("name", ["rgb.png", "depth.png", "rgb16.png", "a.jpg", "a.npy"])
def test_truncated(tmp_path, name):
    path = tmp_path / name
    large = RNG.integers(0, 256, (60, 80, 3), np.uint8)
    if name == "rgb16.png":
        path.write_bytes(tf.io.encode_png(large.astype(np.uint16) * 200).numpy())
    elif name == "a.npy":
        np.save(path, large)
    else:
        save(path, large[..., 0].astype(np.uint16) if name == "depth.png" else large)
    data = path.read_bytes()
    for length in (0, 20, len(data) // 2, len(data) * 9 // 10):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=rf"{name}: "):
            read_image_file(path)


def test_not_an_image(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(ValueError, match=r"a\.png: cannot be read"):
        read_image_file(tmp_path / "a.png")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_holes_of_floats_stay(tmp_path, value):
    array = FLOAT32.copy()
    array[2, 3] = array[4, 5] = value
    np.save(tmp_path / "a.npy", array)
    for path in (tmp_path / "a.npy", save(tmp_path / "a.tiff", array)):
        np.testing.assert_array_equal(read_image_file(path)[..., 0], array)
        with pytest.raises(ValueError, match=f"{path.name}: a label must be a uint8 mask"):
            read_image_file(path, is_label=True)


@pytest.mark.parametrize(
    "array",
    [
        FLOAT32.astype(np.float64),
        UINT16.astype(np.int32),
        UINT8[..., 0] > 9,
        np.zeros((6, 0), np.uint8),
        np.zeros(6, np.uint8),
    ],
)
def test_unsupported_arrays(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ValueError, match=r"a\.npy: must be .*Received: "):
        read_image_file(tmp_path / "a.npy")


def test_channels_that_come_first(tmp_path):
    for array in (np.moveaxis(np.tile(UINT8, (4, 4, 1)), -1, 0), np.ones((13, 20, 30), np.float32)):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(ValueError, match=r"a\.npy: .* are the channels first\? Received: shap"):
            read_image_file(tmp_path / "a.npy")


def test_pickled_array_is_not_run(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"a\.npy: cannot be read"):
        read_image_file(tmp_path / "a.npy")


def test_unsupported_pixel_format(tmp_path):
    PIL.Image.fromarray(UINT8).convert("CMYK").save(tmp_path / "a.tiff")
    with pytest.raises(ValueError, match=r"a\.tiff: cannot be read: pixel format 'CMYK'"):
        read_image_file(tmp_path / "a.tiff")


@pytest.mark.parametrize("array", [UINT8, UINT16])
def test_label_that_is_no_mask(tmp_path, array):
    with pytest.raises(ValueError, match=r"a\.png: a label must be a uint8 mask"):
        read_image_file(save(tmp_path / "a.png", array), is_label=True)


@pytest.mark.parametrize("suffix", ["npy", "NPY", "png"])
def test_git_lfs_pointer(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    with pytest.raises(ValueError, match=rf"a\.{suffix}: cannot be read: .*`git lfs pull`"):
        read_image_file(path)


def test_array_that_declares_more_than_it_holds(tmp_path):
    np.save(tmp_path / "a.npy", UINT8)
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data.replace(b"(6, 8, 3), }       ", b"(99999, 9999, 3), }"))
    with pytest.raises(ValueError, match=r"a\.npy: cannot be read: mmap length is greater"):
        read_image_file(tmp_path / "a.npy")


def test_array_that_is_too_large(tmp_path):
    np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.uint8, (2**15, 2**13, 4))  # sparse
    with pytest.raises(ValueError, match=r"a\.npy: cannot be read: .* Cut it into tiles"):
        read_image_file(tmp_path / "a.npy")


def test_npy_in_capitals(tmp_path):
    with (tmp_path / "a.NPY").open("wb") as file:
        np.save(file, UINT16)
    np.testing.assert_array_equal(read_image_file(tmp_path / "a.NPY")[..., 0], UINT16)
