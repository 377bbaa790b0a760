"""Random numbers that are the same on every machine and with every version of NumPy."""

import functools
import math

import numpy as np

# Of the sum of four whole numbers below 2**16.
_MEAN = 2 * (2**16 - 1)
_DEVIATION = math.sqrt((2**32 - 1) / 3)


class Draws:
    """Random numbers from raw bits of PCG64, seeded by numbers and texts.

    NumPy keeps `SeedSequence` and the bits of PCG64 as they are, but not what its `Generator` makes
    of them. So nothing but bits is taken, and what is made of them is exact.

    Args:
        key: Non-negative integers and texts.
        frame: Number of the frame; `None` for what is the same in all frames.
    """

    def __init__(self, *key, frame=None):
        self.key = key
        words = []
        for part in (*key, *(() if frame is None else ("frame", frame))):
            if isinstance(part, str):
                data = part.encode()
                words += [len(data), *data]
            else:
                words.append(int(part))
        self._bits = np.random.PCG64(np.random.SeedSequence(words))

    @functools.cached_property
    def of_sensor(self):
        """Draws that are the same in all frames: for what is wrong with the sensor itself."""
        return Draws(*self.key)

    def uniform(self, *shape):
        """float64 in [0, 1), multiples of 2**-53; a number without a shape."""
        raw = self._bits.random_raw(math.prod(shape))
        found = ((raw >> np.uint64(11)) * 2.0**-53).reshape(shape)
        return found if shape else float(found)

    def normal(self, *shape):
        """float64 of mean 0 and standard deviation 1, none beyond 3.5.

        The sum of four uniform numbers: nearly normal, and without logarithms.
        """
        raw = self._bits.random_raw(math.prod(shape))
        total = sum((raw >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (0, 16, 32, 48))
        return ((total.astype("float64") - _MEAN) / _DEVIATION).reshape(shape)

    def below(self, count):
        """A whole number in 0..count-1."""
        return int(self.uniform() * count)

    def patches(self, height, width, size):
        """A smooth field in [0, 1), `(height, width)`, with patches of some `size` pixels."""
        rows, columns = (int(side / size) + 3 for side in (height, width))
        lattice = self.uniform(rows, columns)
        (top, y), (left, x) = (_places(side, size) for side in (height, width))
        y, x = y[:, None], x[None, :]
        above = lattice[top][:, left] * (1 - x) + lattice[top][:, left + 1] * x
        below = lattice[top + 1][:, left] * (1 - x) + lattice[top + 1][:, left + 1] * x
        return above * (1 - y) + below * y


def _places(side, size):
    """The lattice point before each pixel, and how far behind it the pixel lies, smoothed."""
    place = np.arange(side) / size
    whole = np.floor(place)
    rest = place - whole
    return whole.astype(int), rest * rest * (3 - 2 * rest)


def lowest(field, share):
    """Where the lowest `share` of a field's values is, bool; more with a larger share."""
    count = round(share * field.size)
    if count >= field.size:
        return np.ones(field.shape, bool)
    return field < np.partition(field, count, axis=None)[count]
