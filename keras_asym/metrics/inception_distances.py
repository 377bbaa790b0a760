import numpy as np

from keras_asym.metrics.frechet_distance import FrechetDistance
from keras_asym.metrics.kernel_distance import KernelDistance

_PROTOCOLS = ("clean", "published")
# Grey levels by which values may lie outside of [0, 255]: hundreds of times the rounding error of
# a float32 there, as resizing leaves it, and a hundredth of the step of an 8-bit image.
_TOLERANCE = 1e-2


class InceptionDistances:
    """FID and KID of generated images, batch by batch, from arrays in [0, 255].

    Never from pictures that were written or drawn first. Values that resizing has brought up to a
    hundredth of a grey level outside of the range are clipped. Two protocols, whose figures must
    not be compared: `"clean"` takes the values as they are; `"published"` first stretches each
    image, real or generated, from its own minimum to its maximum (over all of its channels; a
    constant image becomes black), as those were from which the papers' figures were taken. These
    went through a plotting library besides; its redrawing is not reproduced, so that even
    `"published"` figures only come near theirs. Memory grows by the features alone, 16 KiB a pair
    of images.

    Args:
        network: `FIDInception` with its published weights
            (`keras_asym.weights.load_fid_inception_checkpoint`).
        protocol: `"clean"` or `"published"`.
        subsets: Number of KID's subsets.
        subset_size: Images in a subset of KID's, at most the number of images.
        seed: Seed of KID's subsets.
        batch_size: Images that go through the network at once.

    Raises:
        ValueError: If an argument is out of range, or images are not finite values in [0, 255] of
            shape `(images, height, width, 1 or 3)`, or the network has no weights; in `result` if
            there are fewer images than `subset_size`, or no value of the whole data set exceeds 1,
            so that it seems to be in [0, 1]. `check` finds the first of these before any work.

    Example:

    >>> from keras import layers  # mean colours, in place of FIDInception's features
    >>> network = keras.Sequential([keras.Input((32, 32, 3)), layers.GlobalAveragePooling2D()])
    >>> distances = keras_asym.metrics.InceptionDistances(network, subset_size=2)
    >>> images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), "uint8")
    >>> distances.update(images[:2], images[1:])
    >>> sorted(distances.result())[:3]
    ['FID', 'KID', 'KID standard deviation']
    """

    def __init__(
        self,
        network,
        protocol="clean",
        subsets=100,
        subset_size=1000,
        seed=2020,
        batch_size=32,
    ):
        if protocol not in _PROTOCOLS:
            raise ValueError(f"`protocol` must be one of {_PROTOCOLS}. Received: {protocol!r}")
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(
                f"`batch_size` must be a positive whole number. Received: batch_size={batch_size!r}"
            )
        shape = network.output_shape
        if not isinstance(shape, tuple) or len(shape) != 2:
            raise ValueError(
                "`network` must give features (images, features) alone, as FIDInception() does. "
                f"Received: network '{network.name}' with the output {shape}"
            )
        self.network = network
        self.protocol = protocol
        self.batch_size = batch_size
        self._frechet = FrechetDistance()
        self._kernel = KernelDistance(subsets, subset_size, seed)
        self._counts = [0, 0]
        self._largest = {"real": None, "generated": None}  # value of the floats so far

    def check(self, real, generated=None):
        """Raises `ValueError` if there will be too few images for KID's subsets; costs nothing.

        Call it before a network is trained.

        Args:
            real: Number of real images.
            generated: Number of generated images; as many by default.
        """
        self._kernel.check(real, generated)

    def update(self, real, generated):
        """Adds images.

        Args:
            real: Real images `(images, height, width, 3)`, or `(images, height, width, 1)`, which
                are repeated to three channels. Values in [0, 255], integers or floats; floats are
                not rounded.
            generated: Generated images, likewise; neither number nor size need be those of `real`.
        """
        pair = {"real": _checked("real", real), "generated": _checked("generated", generated)}
        features = [self._features(images) for images in pair.values()]
        self._frechet.update(*features)
        self._kernel.update(*features)
        self._counts = [count + len(x) for count, x in zip(self._counts, features, strict=True)]
        for name, images in pair.items():
            if images.dtype.kind == "f":
                self._largest[name] = max(self._largest[name] or 0.0, float(images.max()))

    def result(self):
        """Figures of all images so far.

        Returns:
            Dictionary with `"FID"`, `"KID"`, `"KID standard error"` and `"KID standard deviation"`
            (see `KernelDistance`), `"real images"`, `"generated images"` and `"protocol"`.
        """
        for name, largest in self._largest.items():
            # Judged here and not in `update`: one image, or a batch, may be that dark.
            if largest and largest <= 1:
                raise ValueError(
                    f"`{name}` must have values in [0, 255] (x * 255 if they are in [0, 1]). "
                    f"Received: {name} images of which no value exceeds {largest}"
                )
        kernel = self._kernel.result()
        return {
            "FID": self._frechet.result(),
            "KID": kernel["mean"],
            "KID standard error": kernel["standard_error"],
            "KID standard deviation": kernel["standard_deviation"],
            "real images": self._counts[0],
            "generated images": self._counts[1],
            "protocol": self.protocol,
        }

    def _features(self, images):
        starts = range(0, len(images), self.batch_size)
        features = [self._features_of_batch(images[i : i + self.batch_size]) for i in starts]
        features = np.concatenate(features)
        if not features.any():
            raise ValueError(
                f"`network` must give features. Received: network '{self.network.name}', which "
                "gives zeros, as FIDInception does before its weights are loaded "
                "(keras_asym.weights.load_fid_inception_checkpoint)"
            )
        return features

    def _features_of_batch(self, images):
        images = images.astype("float32")
        if self.protocol == "published":
            images = _stretched(images)
        if images.shape[-1] == 1:
            images = np.repeat(images, 3, axis=-1)
        return self.network.predict_on_batch(images)


def _stretched(images):
    low, high = (f(images, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
    return (images - low) * (255 / np.where(high > low, high - low, 1))


def _checked(name, images):
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
        raise ValueError(
            f"`{name}` must be images of shape (images, height, width, 1 or 3). Received: {name} "
            f"of shape {images.shape}"
        )
    if images.dtype.kind not in "fiu":
        raise ValueError(
            f"`{name}` must be integers or floats in [0, 255]. Received: {name} of dtype "
            f"{images.dtype}"
        )
    if not np.isfinite(images).all():
        raise ValueError(f"`{name}` must be finite. Received: {name} with NaN or infinity")
    low, high = images.min(), images.max()
    if low < -_TOLERANCE or high > 255 + _TOLERANCE:
        centred = -1 - _TOLERANCE <= low < 0 and high <= 1 + _TOLERANCE
        fix = "(x + 1) * 127.5 if they are in [-1, 1]" if centred else "clip them"
        raise ValueError(
            f"`{name}` must have values in [0, 255] ({fix}). Received: {name} in [{low}, {high}]"
        )
    return np.clip(images, 0, 255) if low < 0 or high > 255 else images
