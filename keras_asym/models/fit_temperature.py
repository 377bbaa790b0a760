import numpy as np

LOWEST, HIGHEST = 0.05, 20.0
_ROWS = 2**16  # of logits that are looked at together, so that little memory is needed beside them


def fit_temperature(logits, labels, steps=60):
    """The temperature T for which `softmax(logits / T)` fits the labels best, on held-out data.

    It minimizes the mean negative log-likelihood (temperature scaling, Guo et al. 2017,
    [arXiv 1706.04599](https://arxiv.org/abs/1706.04599), section 4.2), which is convex in `1 / T`:
    its derivative `sum(E[logit] - logit of the label)` rises, and its only zero is found by
    Newton's method inside of a bracket that is halved where a step would leave it. T stays in
    0.05..20 (this package's choice), where it ends if all labels are right or nothing is known.

    Args:
        logits: NumPy array `(pixels, num_classes)`, finite; log-probabilities are logits, too.
        labels: Integer array `(pixels,)` of classes; leave void pixels out.
        steps: Largest number of steps.

    Returns:
        The temperature.

    Raises:
        ValueError: If there is no pixel, the shapes do not fit, a label is no class or a logit is
            not finite.

    Example:

    >>> logits = np.array([[4.0, 0.0]] * 4)  # sure, and right three times of four
    >>> round(4 / keras_asym.models.fit_temperature(logits, np.array([0, 0, 0, 1])), 3)
    1.099
    """
    logits, labels = np.asarray(logits), np.asarray(labels)
    check_fitted(logits, labels)
    low, high = 1 / HIGHEST, 1 / LOWEST
    if _derivatives(logits, labels, low)[0] >= 0:
        return HIGHEST
    if _derivatives(logits, labels, high)[0] <= 0:
        return LOWEST
    inverse = 1.0
    for _ in range(steps):
        slope, curvature = _derivatives(logits, labels, inverse)
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        step = slope / curvature if curvature > 0 else np.inf
        after = inverse - step
        if not low < after < high:
            after = np.sqrt(low * high)
        if abs(after - inverse) < 1e-7 * inverse:
            break
        inverse = after
    return float(1 / after)


def _derivatives(logits, labels, inverse):
    """First and second derivative of the mean negative log-likelihood by `1 / T`, in float64."""
    slope, curvature = 0.0, 0.0
    for start in range(0, len(labels), _ROWS):
        part = logits[start : start + _ROWS].astype("float64")
        part -= part.max(-1, keepdims=True)
        of_label = np.take_along_axis(part, labels[start : start + _ROWS, None], -1)[:, 0]
        powers = np.exp(part * inverse)
        powers /= powers.sum(-1, keepdims=True)
        mean = (powers * part).sum(-1)
        slope += (mean - of_label).sum()
        curvature += ((powers * part * part).sum(-1) - mean * mean).sum()
    return slope / len(labels), curvature / len(labels)


def check_fitted(logits, labels):
    """Raises `ValueError` unless these are logits and labels of pixels."""
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not len(labels):
        raise ValueError(
            "`logits` must be (pixels, num_classes) and `labels` (pixels,), at least one of them. "
            f"Received: shapes {logits.shape} and {labels.shape}"
        )
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(
            f"`labels` must be classes, integers in 0..{logits.shape[1] - 1}; leave void pixels "
            f"out. Received: {labels.dtype} in {labels.min()}..{labels.max()}"
        )
    if not np.isfinite(logits).all():
        raise ValueError("`logits` must be finite. Received: some that are not")
