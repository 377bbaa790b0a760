import numpy as np


def checked_features(real, generated, width=None):
    """Both as `(images, features)` arrays of floats.

    Args:
        real: Features of real images.
        generated: Features of generated images.
        width: Number of features that they must have, if it is known already.

    Raises:
        ValueError: If one is no such array, holds a number that is not finite, or has another
            number of features.
    """
    checked = []
    for name, features in (("real", real), ("generated", generated)):
        features = np.asarray(features)
        if features.ndim != 2 or features.dtype.kind not in "fiu" or not features.shape[1]:
            raise ValueError(
                f"`{name}` must be numbers of shape (images, features). Received: {name} of shape "
                f"{features.shape} and dtype {features.dtype}"
            )
        width = width or features.shape[1]
        if features.shape[1] != width:
            raise ValueError(
                f"`{name}` must have {width} features, as those before. Received: {name} of shape "
                f"{features.shape}"
            )
        if not np.isfinite(features).all():
            raise ValueError(
                f"`{name}` must be finite. Received: {name} with NaN or infinity in "
                f"{np.count_nonzero(~np.isfinite(features).all(axis=1))} of {len(features)} images"
            )
        checked.append(features if features.dtype.kind == "f" else features.astype("float64"))
    return checked
