import keras
import numpy as np
import pytest
from keras import ops

from keras_asym.fusion import ChannelExchanging
from keras_asym.models import Segmenter
from keras_asym.weights import named_variables
from recipes.fine_tuning import load_fitting_weights
from recipes.run_folder import RunFolder
from tests.models.tiny import CHANNELS, tiny_network, tiny_segmenter

HEAD = "classifier"


@pytest.fixture
def run(tmp_path):
    """A run of two modalities with weights that no initializer gives."""
    tiny_segmenter(2, ChannelExchanging(), seed=1).save(tmp_path / "best.keras")
    return RunFolder(tmp_path)


def segmenter(network, count=2):
    modalities = dict(list(CHANNELS.items())[:count])
    return Segmenter(network, modalities, ChannelExchanging())


def values(model):
    return {key: ops.convert_to_numpy(x).copy() for key, x in named_variables(model).items()}


def test_everything_fits_the_same_network(run):
    model = segmenter(tiny_network())
    text = load_fitting_weights(model, run)
    found, expected = values(model), values(run.load())
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=str(key))
    assert f"{len(expected)} weights loaded" in text
    assert "initialized" not in text and "Not used" not in text


def test_modalities_take_their_own_rows_and_new_ones_keep_theirs(run):
    model = segmenter(tiny_network(), 3)
    before, old = values(model), values(run.load())
    load_fitting_weights(model, run)
    after = values(model)
    key = "conv1_bn", "gamma"
    np.testing.assert_array_equal(after[key][:2], old[key])
    np.testing.assert_array_equal(after[key][2], before[key][2])


@pytest.mark.parametrize("names", [("depth", "rgb"), ("rgb", "normal"), ("depth", "normal", "rgb")])
def test_modalities_take_their_own_part_of_the_ensemble(names, tmp_path):
    """In another order, with one that is new: no weight of the head is another modality's."""
    tiny_segmenter(2, ensemble="pixel", seed=1).save(tmp_path / "best.keras")
    run = RunFolder(tmp_path)
    model = Segmenter(tiny_network(), {name: CHANNELS[name] for name in names}, ensemble="pixel")
    before, old = values(model), values(run.load())
    load_fitting_weights(model, run)
    after = values(model)
    for weight in ("alpha", "hidden_kernel", "hidden_bias", "score_kernel"):
        key = "ensemble", weight
        for row, name in enumerate(names):
            there = name in ("rgb", "depth")
            expected = old[key][("rgb", "depth").index(name)] if there else before[key][row]
            np.testing.assert_array_equal(after[key][row], expected, err_msg=f"{weight} of {name}")


def test_a_head_of_other_classes_is_listed_and_kept(run):
    network = tiny_network()
    x = network.get_layer("stack0_block0_2_relu").output
    model = segmenter(keras.Model(network.inputs, keras.layers.Conv2D(3, 1, name=HEAD)(x)))
    before, old = values(model), values(run.load())
    text = load_fitting_weights(model, run)
    after = values(model)
    assert f"Kept as they were initialized: {HEAD}/kernel, {HEAD}/bias" in text
    np.testing.assert_array_equal(after[HEAD, "kernel"], before[HEAD, "kernel"])
    key = "stack0_block0_2_conv", "kernel"
    np.testing.assert_array_equal(after[key], old[key])


def test_what_the_network_lacks_is_listed(run):
    network = tiny_network()
    x = keras.layers.Conv2D(5, 1, name="other")(network.get_layer("conv1_relu").output)
    model = Segmenter(keras.Model(network.inputs, x), {"rgb": 3})
    text = load_fitting_weights(model, run)
    assert "Not used: classifier.bias, classifier.kernel, stack0_block0_2_bn.beta" in text


def test_nothing_fits(run):
    inputs = keras.Input((None, None, 3))
    x = keras.layers.BatchNormalization(name="norm")(keras.layers.Conv2D(7, 1, name="a")(inputs))
    model = Segmenter(keras.Model(inputs, x), {"thermal": 3})
    with pytest.raises(ValueError, match=r"`config.init` must be a run of a similar network"):
        load_fitting_weights(model, run)
