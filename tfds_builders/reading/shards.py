"""Shards of few frames, which are written without gathering a split in memory first."""

import numpy as np


def shards(keys, frames_per_shard=25):
    """Splits keys into shards, in a random order that is always the same.

    For `tfds.core.ShardBasedBuilder`: a `GeneratorBasedBuilder` keeps up to 1 GB of frames in
    memory to shuffle them.

    Args:
        keys: A list.
        frames_per_shard: Length of the shards; the last one may be shorter.

    Returns:
        A list of lists.
    """
    order = np.random.default_rng(0).permutation(len(keys))
    return [
        [keys[i] for i in order[start : start + frames_per_shard]]
        for start in range(0, len(keys), frames_per_shard)
    ]
