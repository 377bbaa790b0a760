"""Seeded faults of sensors, on raw values: what `recipes.segmentation.robustness` measures with.

| module | what it has |
|---|---|
| `registry` | corruptions by kind of sensor and name, `register` for your own, and `corrupt` |
| `sensor` | what must be known of a sensor: unit, white, value of a hole |
| `draws` | random numbers that are the same on every machine |
| `depth`, `rgb`, `generic` | the corruptions |

Plain NumPy. The bytes of a corrupted image depend on the image, the seed, the names of corruption
and sensor, the severity and the number of the frame, and on nothing else: random numbers are raw
bits of PCG64, and what is computed with them is added, multiplied, divided, compared and rounded,
and nothing that a machine's mathematical library may round in its own way. Not even the
compression depends on a codec: it is the transform and quantization of JPEG in whole numbers.
"""

from recipes.segmentation.corruptions import depth, generic, rgb
from recipes.segmentation.corruptions.registry import (
    SEVERITIES,
    Corruption,
    corrupt,
    corruptions_of,
    find,
    register,
)
from recipes.segmentation.corruptions.sensor import Sensor
