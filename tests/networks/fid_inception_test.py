import pathlib

import keras
import numpy as np
import pytest

from keras_asym.networks import FIDInception
from keras_asym.weights import load_fid_inception_state_dict
from tests.fusion.examples import LARGE
from tests.helpers import distance, run
from tests.networks.fid_weights import image, published_name, sample, shapes, state_dict

pytestmark = LARGE

# Outputs of torch-fidelity's network; fid_inception_proof_test.py makes and compares them in full.
PUBLISHED = pathlib.Path(__file__).parents[1] / "data" / "fid_inception.npz"


def layer_outputs(network):
    """Model of every unit's and block's output, by its published name."""
    kinds = (keras.layers.ReLU, keras.layers.Concatenate, keras.layers.Dense)
    outputs = {
        published_name(layer.name).removesuffix(".relu"): layer.output
        for layer in network.layers
        if isinstance(layer, kinds) or layer.name in ("features", "MaxPool_1", "MaxPool_2")
    }
    return keras.Model(network.input, outputs)


@pytest.fixture
def mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def test_every_layer_computes_what_the_published_network_computes(mixed_precision):
    """In float32, whatever the policy."""
    network = FIDInception(logits=True)
    load_fid_inception_state_dict(network, state_dict(shapes(network)))
    outputs = run(layer_outputs(network), image())
    with np.load(PUBLISHED) as published:
        assert set(outputs) == set(published.files)
        for name, values in outputs.items():
            values = keras.ops.convert_to_numpy(values)
            assert distance(sample(values), published[name]) < 1e-4, name


def test_number_of_parameters():
    with keras.StatelessScope(initialize_variables=False):
        network = FIDInception(logits=True)
    counts = [int(np.prod(w.shape)) for w in network.weights]
    assert len(counts) == 94 * 5 + 2
    # torchvision's Inception-v3 without its auxiliary classifier has 23,834,568 parameters with
    # 1000 classes (its norms' statistics not counted).
    statistics = sum(int(np.prod(w.shape)) for w in network.weights if w.name.startswith("moving_"))
    assert sum(counts) - statistics == 23_834_568 + 8 * 2049
    assert network.output_shape == [(None, 2048), (None, 1008)]


def test_is_frozen_and_saved(tmp_path):
    network = FIDInception(width=2)
    load_fid_inception_state_dict(network, state_dict(shapes(network)))
    assert network.output_shape == (None, 128) and not network.trainable_weights
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    assert [x.name for x in loaded.layers] == [x.name for x in network.layers]
    assert not loaded.trainable_weights
    for a, b in zip(loaded.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("width", [0, 3, 32.0])
def test_width_must_be_even(width):
    with pytest.raises(ValueError, match=f"`width` must .* Received: width={width}"):
        FIDInception(width=width)
