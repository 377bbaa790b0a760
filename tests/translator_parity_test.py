"""CEN's image translation reproduces what the paper's published program computes.

`data/parity_pix2pix.npz` holds every 8th row and column of the images that the published PyTorch
program generates for weights and images made from their names (`tests/weights/published.py`), every
3rd of the discriminator's decisions, and the loss terms of three alternating steps of Adam; two
domains, 8 filters, 256x256, dropout off.
"""

import pathlib

import keras
import numpy as np
import pytest

from keras_asym.fusion import ChannelExchanging
from keras_asym.layers import ChannelExchange
from keras_asym.models import Translator
from keras_asym.networks import PatchDiscriminator, UNetGenerator
from keras_asym.ops import fold
from keras_asym.weights import load_reference_state_dict
from tests.helpers import distance, tensors
from tests.weights.published import generator, translator_state_dict

DATA = pathlib.Path(__file__).parent / "data" / "parity_pix2pix.npz"
DOMAINS = ["reshading", "edge_texture"]
KEYS = (*DOMAINS, "ensemble")
STEPS = 3
FORWARD, LOSS = 2e-5, 1e-5  # the largest relative distances that count as equal
TERMS = {
    "discriminator_loss": "d",
    "adversarial_loss": "g_adv",
    "reconstruction_loss": "g_l1",
    "sparsity_loss": "g_sparse_used",
}


def image(name):
    x = generator(name).standard_normal((2, 3, 256, 256)).astype("float32")  # the published order
    return np.tanh(x).transpose(0, 2, 3, 1)


def inputs():
    return {name: image(f"input.{name}") for name in DOMAINS}


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(DATA))


@pytest.fixture(scope="module")
def model():
    model = Translator(
        UNetGenerator(filters=8, dropout=0.0),
        PatchDiscriminator(filters=8),
        DOMAINS,
        ChannelExchanging(threshold=1e-2, l1=1e-3, sites=r"down\d+_norm$"),
    )
    load_reference_state_dict(model, translator_state_dict())
    return model


def distances(outputs, golden):
    return [
        distance(np.asarray(outputs[key])[:, 1::8, 2::8], golden[f"generated.{key}"])
        for key in KEYS
    ]


def test_generated_images(model, golden):
    assert max(distances(model(inputs()), golden)) < FORWARD
    alpha = model.generator.get_layer("ensemble").weights_of()
    assert distance(alpha, golden["alpha"]) < FORWARD


def test_decisions(model, golden):
    x, outputs = tensors(inputs()), model(inputs())
    candidates = {
        "real": tensors(np.repeat(image("target"), 2, axis=0)),
        "fake": fold([outputs[name] for name in DOMAINS]),
    }
    for kind, candidate in candidates.items():
        decisions = keras.ops.sigmoid(model.discriminator({**x, "candidate": candidate}))
        for m, name in enumerate(DOMAINS):
            found = np.asarray(decisions)[m::2, ::3, ::3]
            assert distance(found, golden[f"decision_{kind}.{name}"]) < FORWARD


def test_the_comparison_notices_what_is_wrong(model, golden):
    exchanges = [x for x in model.generator.layers if isinstance(x, ChannelExchange)]
    assert len(exchanges) == 6
    try:
        for layer in exchanges:
            layer.threshold = 0.0
        assert min(distances(model(inputs()), golden)) > 1e-2
    finally:
        for layer in exchanges:
            layer.threshold = 1e-2


def test_three_training_steps(model, golden):
    """Last, as it changes the weights."""
    players = (keras.optimizers.Adam(2e-4, 0.5, 0.999, epsilon=1e-8) for _ in range(2))
    model.compile(*players, jit_compile=False)
    x, y = inputs(), image("target")
    for step in range(STEPS):
        logs = model.train_on_batch(x, y, return_dict=True)
        model.reset_metrics()
        for ours, published in TERMS.items():
            expected = golden[f"train.{published}"][step]
            assert float(logs[ours]) == pytest.approx(expected, rel=LOSS), (step, ours)
