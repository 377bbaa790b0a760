"""Both systems reproduce what the papers' published programs compute, through the public API.

`data/parity_refinenet50.npz` holds every 4th row and column and every 3rd class of the logits that
the published PyTorch programs give for weights, images and labels made from their names
(`tests/weights/published.py`): before training and after four steps of the published training, on
two modalities, with dropout off and frozen statistics; and the loss before each of the steps.
"""

import functools
import pathlib

import keras
import numpy as np
import pytest

from keras_asym.fusion import AsymmetricFusion, ChannelExchanging
from keras_asym.layers import ChannelExchange, ModalityBatchNormalization
from keras_asym.models import Segmenter
from keras_asym.networks import ENCODER_VARIABLES, RefineNet
from keras_asym.training.coupled_sgd import CoupledSGD
from keras_asym.weights import load_reference_state_dict
from tests.helpers import distance
from tests.weights.published import generator, reference_state_dict

DATA = pathlib.Path(__file__).parent / "data" / "parity_refinenet50.npz"
FUSIONS = {"asym": AsymmetricFusion(), "cen": ChannelExchanging()}
KEYS = ("rgb", "depth", "ensemble")
BATCH, HEIGHT, WIDTH, CLASSES, STEPS = 2, 65, 97, 40, 4
FORWARD, LOSS, TRAINED = 2e-5, 1e-5, 5e-4  # the largest relative distances that count as equal


def inputs():
    shape = (BATCH, 3, HEIGHT, WIDTH)  # the published order
    images = {key: generator(f"input.{key}").standard_normal(shape) for key in ("rgb", "depth")}
    return {key: x.astype("float32").transpose(0, 2, 3, 1) for key, x in images.items()}


def labels():
    shape = (BATCH, HEIGHT, WIDTH)
    target = generator("target").integers(0, CLASSES, shape)
    void = generator("ignore").uniform(0, 1, shape) < 0.1
    return np.where(void, 255, target).astype("int32")


def build(system):
    network = RefineNet("resnet50", CLASSES, dropout=0.0)
    model = Segmenter(network, {"rgb": 3, "depth": 3}, FUSIONS[system], freeze_statistics=True)
    load_reference_state_dict(model, reference_state_dict())
    return model


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(DATA))


# One at a time: a model holds half a gigabyte. Tests leave it as it was, but the last one of each.
untrained = functools.lru_cache(maxsize=1)(build)


def distances(outputs, golden, prefix):
    """Relative L2 distance of each output's excerpt."""
    return {
        key: distance(np.asarray(outputs[key])[:, ::4, ::4, ::3], golden[f"{prefix}.{key}"])
        for key in KEYS
    }


@pytest.mark.parametrize("name", FUSIONS)
def test_forward(name, golden):
    model = untrained(name)
    outputs = model.network.predict_on_batch(inputs())
    found = distances(outputs, golden, f"{name}.logits")
    assert max(found.values()) < FORWARD, found
    alpha = model.network.get_layer("ensemble").weights_of()
    assert distance(alpha, golden[f"{name}.alpha"]) < FORWARD


def test_the_comparison_notices_what_is_wrong(golden):
    """Without the exchange, or with another epsilon in the norms, the numbers are not equal."""
    layers = untrained("cen").network.layers
    exchanges = [layer for layer in layers if isinstance(layer, ChannelExchange)]
    norms = [layer.layer if layer in exchanges else layer for layer in layers]
    norms = [layer for layer in norms if isinstance(layer, ModalityBatchNormalization)]
    assert (len(exchanges), len(norms)) == (16, 53)
    assert min(distances_with(exchanges, "threshold", 0.0, golden).values()) > 1e-2
    assert min(distances_with(norms, "epsilon", 1e-3, golden).values()) > 5 * FORWARD


def distances_with(layers, attribute, value, golden):
    """Distances of CEN's forward pass while an attribute of some layers has another value."""
    before = [getattr(layer, attribute) for layer in layers]
    try:
        for layer in layers:
            setattr(layer, attribute, value)
        return distances(untrained("cen").network(inputs()), golden, "cen.logits")
    finally:
        for layer, old in zip(layers, before, strict=True):
            setattr(layer, attribute, old)


@pytest.mark.parametrize("name", ["cen", pytest.param("asym", marks=pytest.mark.slow)])
def test_four_training_steps(name, golden):
    model = untrained(name)
    untrained.cache_clear()
    sgd = {rate: CoupledSGD(rate, momentum=0.9, l2=1e-5) for rate in (3e-3, 5e-4)}
    rates = keras.optimizers.OptimizerMap(sgd[3e-3], {ENCODER_VARIABLES: sgd[5e-4]})
    model.compile(keras.optimizers.MultiOptimizer(rates), jit_compile=False)
    losses, cross_entropies = [], []
    for _ in range(STEPS):
        logs = model.train_on_batch(inputs(), labels(), return_dict=True)
        model.reset_metrics()
        losses.append(float(logs["loss"]))
        cross_entropies.append(sum(float(logs[f"{key}_loss"]) for key in KEYS))
    np.testing.assert_allclose(losses, golden[f"{name}.train.loss"], rtol=LOSS)
    np.testing.assert_allclose(cross_entropies, golden[f"{name}.train.cross_entropy"], rtol=LOSS)
    found = distances(model.network(inputs()), golden, f"{name}.trained_logits")
    assert max(found.values()) < TRAINED, found
