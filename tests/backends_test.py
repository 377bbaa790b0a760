"""TensorFlow and JAX give the same logits from the same file."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_asym.fusion import ChannelExchanging, PrivateNormalization, TokenExchanging
from keras_asym.layers import ChannelExchange, TokenExchange, TokenScores
from keras_asym.layers.modality_normalization import ModalityNormalization
from keras_asym.models import Segmenter
from keras_asym.networks import SegFormer
from tests.helpers import arrays, images, randomize

ROOT = pathlib.Path(__file__).parents[1]
THRESHOLD = 0.5
SEGFORMERS = {
    "tokens": TokenExchanging(THRESHOLD),
    "private": PrivateNormalization(),
    "channels": ChannelExchanging(sites=r"block\d+_norm[12]$"),
}


def inputs():
    return {"rgb": images(2, 32, 48, 3), "depth": images(2, 32, 48, 1, seed=1)}


def segformer(fusion):
    """A SegFormer-B0 whose norms and scores are those of no other modality."""
    keras.utils.set_random_seed(0)
    model = Segmenter(SegFormer("b0", 5), {"rgb": 3, "depth": 1}, fusion)
    for seed, layer in enumerate(model.network.layers):
        if isinstance(layer, ModalityNormalization | ChannelExchange | TokenScores):
            randomize(layer, seed)
    return model


@pytest.fixture(scope="module")
def models():
    return {name: segformer(fusion) for name, fusion in SEGFORMERS.items()}


@pytest.fixture(scope="module")
def outputs(models, tmp_path_factory):
    """`{name: outputs}` of this process and of one on JAX."""
    folder = tmp_path_factory.mktemp("models")
    np.savez(folder / "inputs.npz", **inputs())
    for name, model in models.items():
        model.save(folder / f"{name}.keras")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.backends_run", str(folder)],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ours = {name: model(inputs(), training=False) for name, model in models.items()}
    said, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors
    assert said.split()[-1] == "jax" != keras.backend.backend()
    return ours, {name: dict(np.load(folder / f"{name}.npz")) for name in models}


@pytest.mark.parametrize("name", SEGFORMERS)
def test_a_segformer(name, outputs):
    ours, theirs = (found[name] for found in outputs)
    assert set(ours) == set(theirs) == {"rgb", "depth", "ensemble"}
    for key, value in ours.items():
        np.testing.assert_allclose(theirs[key], value, rtol=1e-5, atol=1e-5, err_msg=key)
        assert np.std(value) > 0.05


def test_tokens_and_channels_are_exchanged(models):
    """Tokens on both sides of the threshold, and none so near that rounding could decide."""
    network = models["tokens"].network
    exchanges = [x for x in network.layers if isinstance(x, TokenExchange)]
    scores = keras.Model(network.input, [x.input[1] for x in exchanges])(inputs())
    scores = np.concatenate([x.ravel() for x in arrays(scores)])
    assert 0.2 < (scores < THRESHOLD).mean() < 0.8
    assert np.abs(scores - THRESHOLD).min() > 1e-6
    layers = [x for x in models["channels"].network.layers if isinstance(x, ChannelExchange)]
    rates = np.array([arrays(x.exchange_rate())[0] for x in layers])
    assert len(layers) == 16 and 0.2 < rates.mean() < 0.8
