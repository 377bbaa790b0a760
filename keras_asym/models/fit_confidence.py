import numpy as np

from keras_asym.models.fit_temperature import check_fitted

LOWEST, HIGHEST = -8.0, 24.0  # log-odds, as in `metrics.AreaUnderRiskCoverage`
_PRIOR = 100.0  # weight of slope 1 and offset 0, in pixels' terms, for classes that few pixels have
_ROWS = 2**16


def fit_confidence(logits, labels, temperature=1.0, steps=50):
    """Slope and offset of the log-odds of each class' confidence, on held-out data.

    For the pixels that are given a class `c`, with the probability `p` that `softmax(logits / T)`
    has for it, the confidence `sigmoid(slope_c * log(p / (1 - p)) + offset_c)` has the least
    negative log-likelihood of being right or wrong (Platt scaling, conditional on the class as in
    Gupta and Ramdas 2022, [arXiv 2107.08353](https://arxiv.org/abs/2107.08353)), plus
    `50 * ((slope_c - 1)^2 + offset_c^2)` (this package's choice, which leaves a class that few
    pixels have near to what it says). Slopes are at least 0, so that no pixel becomes less sure
    than a worse one of its class. The classes stay what they are.

    Args:
        logits: NumPy array `(pixels, num_classes)`, finite; log-probabilities are logits, too.
        labels: Integer array `(pixels,)` of classes; leave void pixels out.
        temperature: The temperature T.
        steps: Largest number of Newton's steps.

    Returns:
        Slopes and offsets, float64 arrays `(num_classes,)`: 1 and 0 for a class that no pixel is
        given.

    Raises:
        ValueError: If there is no pixel, the shapes do not fit, a label is no class or a logit is
            not finite.

    Example:

    >>> logits = np.array([[4.0, 0.0]] * 4000)  # sure, and right half of the time
    >>> slopes, offsets = keras_asym.models.fit_confidence(logits, np.arange(4000) % 2)
    >>> round(float(abs(slopes[0] * 4 + offsets[0])), 1)
    0.0
    """
    logits, labels = np.asarray(logits), np.asarray(labels)
    check_fitted(logits, labels)
    predicted, log_odds = logits.argmax(-1), np.zeros(len(labels))
    for start in range(0, len(labels), _ROWS):
        part = logits[start : start + _ROWS].astype("float64") / temperature
        powers = np.exp(part - part.max(-1, keepdims=True))
        np.put_along_axis(powers, predicted[start : start + _ROWS, None], 0.0, -1)
        others = np.maximum(powers.sum(-1), np.exp(-HIGHEST))
        log_odds[start : start + _ROWS] = np.maximum(-np.log(others), LOWEST)
    hits = predicted == labels
    slopes, offsets = np.ones(logits.shape[1]), np.zeros(logits.shape[1])
    for index in np.unique(predicted):
        here = predicted == index
        slopes[index], offsets[index] = _line(log_odds[here], hits[here], steps)
    return slopes, offsets


def _line(log_odds, hits, steps):
    ones = np.ones_like(log_odds)
    slope, offset = _newton(np.stack([log_odds, ones]), hits, np.array([1.0, 0.0]), steps)
    if slope < 0:  # the best of those that are allowed, as the likelihood is concave
        return 0.0, _newton(ones[None], hits, np.zeros(1), steps)[0]
    return slope, offset


def _newton(rows, hits, start, steps):
    """The weights of the rows that fit best; the loss is convex, and falls with each step."""

    def loss(point):
        scores = point @ rows
        distance = point - start
        return np.sum(np.logaddexp(0.0, scores) - hits * scores) + _PRIOR / 2 * distance @ distance

    point, value = start, loss(start)
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-point @ rows))
        gradient = rows @ (p - hits) + _PRIOR * (point - start)
        curvature = (rows * (p * (1.0 - p))) @ rows.T + _PRIOR * np.eye(len(rows))
        step = np.linalg.solve(curvature, gradient)
        while loss(point - step) > value and np.abs(step).max() > 1e-9:
            step = step / 2
        if np.abs(step).max() < 1e-9:
            break
        point = point - step
        value = loss(point)
    return point
