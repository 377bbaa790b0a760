"""Frames of a sensor that show nothing."""

import numpy as np
import tensorflow as tf


def shows_nothing(image, spec):
    """Whether raw frames are all holes, or have one value in all pixels: of a sensor that is stuck.

    A hole is what `recipes.data.values.normalize` takes for one; without `invalid` in the spec only
    what is NaN or infinite is.

    Args:
        image: Raw images `(batch, height, width, channels)` of any numeric dtype.
        spec: The images' spec.

    Returns:
        Boolean tensor `(batch,)`.
    """
    image = tf.convert_to_tensor(image)
    # As floats, in which all runtimes can compare; integers up to 2^24 stay what they are.
    values = tf.cast(image, "float32")
    alike = tf.reduce_all(
        tf.reduce_max(values, axis=(1, 2)) == tf.reduce_min(values, axis=(1, 2)), axis=-1
    )
    hole = tf.reduce_any(~tf.math.is_finite(values), axis=-1)
    invalid = spec.get("invalid")
    if invalid is not None:
        hole |= tf.reduce_all(values == np.asarray(invalid, "float32"), axis=-1)
    return alike | tf.reduce_all(hole, axis=(1, 2))
