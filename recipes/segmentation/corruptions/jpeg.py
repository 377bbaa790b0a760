"""What JPEG loses, in whole numbers: the same on every machine, whatever its codec.

The picture becomes luma and chroma, the latter at half the resolution; blocks of 8 x 8 are
transformed, divided by the quantization tables of ITU-T T.81 (annex K) for a quality as the
reference program scales them, rounded, and transformed back. Entropy coding loses nothing and is
left out.
"""

import numpy as np

# A cosine transform in whole numbers, whose rows have squares of about 2**15 (ITU-T H.265, 8.6.4).
_TRANSFORM = np.array(
    [
        [64, 64, 64, 64, 64, 64, 64, 64],
        [89, 75, 50, 18, -18, -50, -75, -89],
        [83, 36, -36, -83, -83, -36, 36, 83],
        [75, -18, -89, -50, 50, 89, 18, -75],
        [64, -64, -64, 64, 64, -64, -64, 64],
        [50, -89, 18, 75, -75, -18, 89, -50],
        [36, -83, 83, -36, -36, 83, -83, 36],
        [18, -50, 75, -89, 89, -75, 50, -18],
    ],
    "int64",
)
_SQUARES = 2**15
_LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
_CHROMA = np.full((8, 8), 99)
_CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]


def compressed(values, quality):
    """A picture after compression.

    Args:
        values: float64 `(height, width, 3)`, 0 is black, 1 is white.
        quality: 1..99.

    Returns:
        The same, multiples of 1 / 255.
    """
    height, width, _ = values.shape
    pad = (-height % 16, -width % 16)
    picture = np.rint(255 * np.clip(values, 0, 1))
    picture = np.pad(picture, ((0, pad[0]), (0, pad[1]), (0, 0)), mode="edge")
    red, green, blue = (picture[..., channel] for channel in range(3))
    luma = np.rint((0.299 * red + 0.587 * green) + 0.114 * blue)
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    chroma = [
        _doubled(_quantized(_halved((colour - luma) * factor), _CHROMA, scale)) / factor
        for colour, factor in ((red, 0.713), (blue, 0.564))
    ]
    luma = _quantized(luma - 128, _LUMA, scale) + 128
    red, blue = (luma + difference for difference in chroma)
    green = ((luma - 0.299 * red) - 0.114 * blue) / 0.587
    found = np.stack([red, green, blue], -1)[:height, :width]
    return np.clip(np.rint(found), 0, 255) / 255


def _quantized(plane, table, scale):
    """A plane of whole numbers, in blocks of 8 x 8 that are transformed, rounded and put back."""
    steps = np.clip((table * scale + 50) // 100, 1, 255)
    rows, columns = (side // 8 for side in plane.shape)
    blocks = np.rint(plane).astype("int64").reshape(rows, 8, columns, 8).swapaxes(1, 2)
    coefficients = _TRANSFORM @ blocks @ _TRANSFORM.T
    kept = np.rint(coefficients / (steps * _SQUARES)).astype("int64") * steps
    blocks = np.rint((_TRANSFORM.T @ kept @ _TRANSFORM) / _SQUARES)
    return blocks.swapaxes(1, 2).reshape(plane.shape)


def _halved(plane):
    return ((plane[::2, ::2] + plane[1::2, ::2]) + (plane[::2, 1::2] + plane[1::2, 1::2])) / 4


def _doubled(plane):
    return plane.repeat(2, 0).repeat(2, 1)
