"""The array functions of the pipelines in NumPy, for processes without TensorFlow.

`tensorflow_ops` holds the same functions; tests compare them.
"""

import numpy as np

arange = np.arange
asarray = np.asarray
clip = np.clip
concatenate = np.concatenate
equal = np.equal
isfinite = np.isfinite
log1p = np.log1p
maximum = np.maximum
minimum = np.minimum
round = np.round
where = np.where
zeros_like = np.zeros_like


def cast(x, dtype):
    return np.asarray(x).astype(dtype)


def constant(value, like):
    """`value` in the dtype of the array `like`."""
    return np.asarray(value, like.dtype)


def is_floating(x):
    return np.issubdtype(x.dtype, np.floating)


def is_integer(x):
    return np.issubdtype(x.dtype, np.integer)


def limits(image):
    """Least and greatest value of an integer array's dtype, as floats."""
    info = np.iinfo(image.dtype)
    return float(info.min), float(info.max)


def all(x, axis=None):
    """Logical and; axes are kept."""
    return np.all(x, axis=axis, keepdims=axis is not None)


def any(x, axis=None):
    """Logical or; axes are kept."""
    return np.any(x, axis=axis, keepdims=axis is not None)


def count(x):
    """Number of true elements."""
    return np.count_nonzero(x)


def distinct(x, chosen):
    """The values of `x` where `chosen`, each once."""
    return np.unique(x[chosen])


def extent(image):
    """Height and width, int32 `(2,)`."""
    return np.array(image.shape[:2], "int32")


def static_size(image, size, channels):
    """`image`, of which height, width and channels become part of its static shape."""
    del size, channels
    return image


def take(image, indices, axis):
    return np.take(image, indices, axis)


def pad(image, before, after, value):
    """Pads height and width by `before` and `after`, int32 `(2,)`, with `value`."""
    result = np.full((*(image.shape[:2] + before + after), image.shape[2]), value, image.dtype)
    top, left = before
    result[top : top + image.shape[0], left : left + image.shape[1]] = image
    return result


def mirror(x, axis, mirrored):
    """Reverses an axis if `mirrored`."""
    return np.flip(x, axis) if mirrored else x


def resize(image, size, interpolation, antialias):
    """Resizes `(height, width, channels)` with half-pixel centres to float32 `(*size, channels)`.

    Args:
        image: array of any numeric dtype.
        size: height and width of the result, int32 `(2,)`.
        interpolation: `"bilinear"`, or `"bicubic"` with Keys' kernel (a = -0.5).
        antialias: whether the kernel is widened where the image becomes smaller.
    """
    rows, columns = (
        _weights(image.shape[axis], size[axis], interpolation, antialias) for axis in (0, 1)
    )
    image = np.tensordot(rows, image.astype("float32"), (1, 0))
    return np.tensordot(columns, image, (1, 1)).transpose(1, 0, 2)


def scale_channels(x, factor, offset):
    """`x * factor - offset` with float32 numbers for each channel."""
    return x * factor - offset


def as_string(number):
    return str(number)


def text(name):
    """A name that data sets hold as bytes or as text."""
    return name.decode() if isinstance(name, bytes) else str(name)


def enforce(checks, name, images):
    """Raises `ValueError` "Example `name`: message value and value" where a check fails.

    Args:
        checks: list of triples: condition, message, function that returns the values to show.
        name: name of the example.
        images: `dict` of arrays.

    Returns:
        `images`, available only once all checks are done.
    """
    for condition, message, values in checks:
        if not condition:
            shown = " and ".join(str(value) for value in values())
            raise ValueError(f"Example `{text(name)}`: {message} {shown}")
    return images


def _weights(old, new, interpolation, antialias):
    """`(new, old)` matrix of resampling along one axis; rows add up to 1."""
    step = np.float32(old) / np.float32(new)
    centre = (np.arange(new, dtype="float32") + np.float32(0.5)) * step
    width = max(step, 1.0) if antialias else 1.0
    x = np.abs(np.arange(old, dtype="float32") + np.float32(0.5) - centre[:, None]) / width
    if interpolation == "bilinear":
        weights = np.maximum(1 - x, 0)
    else:
        near = (1.5 * x - 2.5) * x * x + 1
        far = ((-0.5 * x + 2.5) * x - 4) * x + 2
        weights = np.where(x <= 1, near, np.where(x <= 2, far, 0))
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")
