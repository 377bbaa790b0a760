"""Which sensors an example has, where a data set says it.

A data set says it by a feature `"present"`, booleans `(sensors,)`, and by the names of its columns
in the metadata, `sensors`. What an example lacks plays no part in it, see
`keras_asym.models.Segmenter`.
"""

import tensorflow as tf

PRESENT = "present"


def presence(present, sensors, names):
    """Which of a model's modalities an example has, boolean `(names,)`.

    A modality that the data set does not speak of is there. An example in which none is there, as
    it is for a network on the one sensor that has failed, is taken as its images are: all are.

    Args:
        present: Boolean `(sensors,)`.
        sensors: Names of its columns.
        names: Names of the modalities, in order.
    """
    known = [present[sensors.index(name)] if name in sensors else True for name in names]
    here = tf.stack([tf.cast(x, "bool") for x in known])
    return here | ~tf.reduce_any(here)
