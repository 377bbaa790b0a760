"""How sure a difference between two variants is: over seeds, and over the images of the split."""

import math
import statistics

import numpy as np

RESAMPLES = 1000


def over_seeds(mine, theirs):
    """Mean of the differences over the seeds that both have, and its standard error.

    Args:
        mine, theirs: `{seed: value}`.

    Returns:
        Mean, standard error, number of seeds; `None` for a mean of no seed and for an error of
        less than two.
    """
    pairs = [mine[seed] - theirs[seed] for seed in mine if seed in theirs]
    if not pairs:
        return None, None, 0
    error = statistics.stdev(pairs) / math.sqrt(len(pairs)) if len(pairs) > 1 else None
    return statistics.mean(pairs), error, len(pairs)


def over_images(mine, theirs, metric, resamples=RESAMPLES):
    """Standard error of the mean difference for another draw of images: a paired bootstrap.

    The same images are drawn for both variants and for all seeds (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993).

    Args:
        mine, theirs: `{seed: array (images, parts)}` of what adds up over images.
        metric: Function of sums `(..., parts)` that gives the metric `(...)`.
        resamples: Number of draws.

    Returns:
        The error, or `None` where no seed has both, or the images are not the same number.
    """
    seeds = [seed for seed in mine if seed in theirs]
    counts = {len(parts[seed]) for parts in (mine, theirs) for seed in seeds}
    if len(counts) != 1:
        return None
    number = counts.pop()
    drawn = np.random.default_rng(0).multinomial(number, [1 / number] * number, resamples)
    differences = [metric(drawn @ mine[seed]) - metric(drawn @ theirs[seed]) for seed in seeds]
    return float(np.std(np.mean(differences, axis=0), ddof=1))
