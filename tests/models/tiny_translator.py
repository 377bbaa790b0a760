"""A Translator small enough to be trained in a test, and batches for it."""

import keras

from keras_asym.models import Translator
from keras_asym.networks import PatchDiscriminator, UNetGenerator
from tests.helpers import images, randomize

CHANNELS = {"depth": 1, "normal": 3, "texture": 2, "shade": 5}


def tiny_translator(count=2, fusion=None, dropout=0.0, depth=3, target=3, seed=0, **kwargs):
    """A Translator of `count` modalities, a third of its gammas below the thresholds."""
    generator = UNetGenerator(3, depth, target, dropout)
    discriminator = PatchDiscriminator(2, 3 + target)
    modalities = dict(list(CHANNELS.items())[:count])
    return randomize(Translator(generator, discriminator, modalities, fusion, **kwargs), seed)


def batch(count=2, size=4, height=24, width=32, target=3, seed=0):
    """Images in about [-1, 1] by modality name, and the target."""
    names = list(CHANNELS)[:count]
    x = {name: 0.5 * images(size, height, width, CHANNELS[name], seed=seed) for name in names}
    return x, 0.5 * images(size, height, width, target, seed=seed + 1)


def adam(rate=1e-2):
    return keras.optimizers.Adam(rate, beta_1=0.5)
