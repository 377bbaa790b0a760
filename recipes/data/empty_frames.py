"""Frames of a sensor that show nothing."""

import tensorflow as tf

from recipes.data.values import converter_of


def shows_nothing(image, spec):
    """Whether raw frames are all holes, or have one value in all pixels: of a sensor that is stuck.

    What a hole is says `keras_asym.layers.SensorConverter`; without `invalid` in the spec only what
    is NaN or infinite is one.

    Args:
        image: Raw images `(batch, height, width, channels)` of any numeric dtype.
        spec: The images' spec.

    Returns:
        Boolean tensor `(batch,)`.
    """
    # As floats, in which all runtimes can compare; integers up to 2^24 stay what they are.
    values = tf.cast(image, "float32")
    alike = tf.reduce_all(
        tf.reduce_max(values, axis=(1, 2)) == tf.reduce_min(values, axis=(1, 2)), axis=-1
    )
    return alike | tf.reduce_all(converter_of(spec).holes(image), axis=(1, 2, 3))
