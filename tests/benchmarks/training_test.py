"""The PyTorch network that training is timed beside does the same work."""

import functools
import types

import keras
import numpy as np
import pytest

pytest.importorskip("torch")
if keras.backend.backend() != "tensorflow":
    pytest.skip("it times TensorFlow", allow_module_level=True)

from benchmarks import plain_torch, training

SMALL = {"dropout": 0.0}
WIDTHS = (16, 8, 8, 8)
OPTIONS = types.SimpleNamespace(depth=50, frozen=True)


@functools.cache
def shared_pair():
    """The pair for the tests that leave it as it is."""
    return small_pair()


def small_pair():
    model = training.segmenter(OPTIONS, backbone_width=4, decoder_widths=WIDTHS, **SMALL)
    rng = np.random.default_rng(0)
    for layer in model.network.layers:
        norm = getattr(layer, "layer", layer)
        if hasattr(norm, "moving_mean"):  # a third of the channels are exchanged
            kept = rng.uniform(0.5, 1.5, norm.gamma.shape) * rng.choice(
                [0.01, 1, 1], norm.gamma.shape
            )
            norm.gamma.assign(kept)
            norm.beta.assign(rng.normal(size=norm.beta.shape) / 10)
            norm.moving_mean.assign(rng.normal(size=norm.beta.shape) / 10)
    plain = training.plain(OPTIONS, width=4, widths=WIDTHS, **SMALL)
    plain_torch.copy_weights(model.network, plain)
    return model, plain


def test_both_give_the_same_logits():
    model, plain = shared_pair()
    size = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert size == sum(p.numel() for p in plain.parameters())
    images, labels = training.batch(32, 1)
    _, ours = training.keras_steps(model, images, labels)
    _, theirs = training.torch_steps(plain, images, labels, "channels_last")
    assert training.difference(ours(), theirs()) < 1e-5


@pytest.mark.slow
def test_both_learn_the_same():
    model, plain = small_pair()
    images, labels = training.batch(64, 2)
    before = values(plain)
    training.torch_steps(plain, images, labels, "channels_first", rate=1.0)[0]()
    training.keras_steps(model, images, labels, rate=1.0)[0]()
    expected = values(plain)
    plain_torch.copy_weights(model.network, plain)
    for name, found in values(plain).items():
        change = np.abs(expected[name] - before[name]).max()
        assert change > 0, name
        assert np.abs(found - expected[name]).max() <= 2e-3 * change + 1e-6, name


def values(plain):
    return {name: p.detach().numpy().copy() for name, p in plain.named_parameters()}


def test_weights_that_one_of_them_lacks():
    model, _ = shared_pair()
    other = training.plain(types.SimpleNamespace(depth=101, frozen=True), width=4, widths=WIDTHS)
    with pytest.raises(ValueError, match="must have all weights"):
        plain_torch.copy_weights(model.network, other)
