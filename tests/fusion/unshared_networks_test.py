import keras
import numpy as np
import pytest

from keras_asym.fusion import UnsharedNetworks, to_multimodal
from keras_asym.layers import ModalityCopies
from keras_asym.models import Segmenter
from keras_asym.testing import check_strategy
from tests.fusion.examples import bottlenecks
from tests.helpers import LONG_ON_JAX, images, randomize

PAIR = {"rgb": 3, "depth": 3}


@LONG_ON_JAX
def test_strategy_contract():
    check_strategy(UnsharedNetworks(), bottlenecks(blocks=(1, 1)), modalities=(2,))


def test_every_modality_has_weights_of_its_own():
    network = bottlenecks()
    model = to_multimodal(network, PAIR, UnsharedNetworks(), check=True)
    assert model.count_params() == 2 * network.count_params()
    copies = model.get_layer("stem_conv")
    assert isinstance(copies, ModalityCopies)
    for copy in copies.copies:
        np.testing.assert_array_equal(copy.kernel, network.get_layer("stem_conv").kernel)


def test_unshared_networks_are_saved_and_loaded(tmp_path):
    model = randomize(Segmenter(bottlenecks(), PAIR, UnsharedNetworks()))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = {name: images(1, 16, 16, 3, seed=i) for i, name in enumerate(PAIR)}
    np.testing.assert_allclose(loaded(x)["depth"], model(x)["depth"], atol=1e-5)


def test_some_layers_are_unshared():
    model = to_multimodal(bottlenecks(), PAIR, UnsharedNetworks("^stem_conv$"))
    assert [x.name for x in model.layers if isinstance(x, ModalityCopies)] == ["stem_conv"]


def test_no_gradient_goes_from_one_unshared_network_to_the_other():
    model = randomize(to_multimodal(bottlenecks(), PAIR, UnsharedNetworks()))
    x = {name: images(2, 16, 16, 3, seed=i) for i, name in enumerate(PAIR)}
    before = np.asarray(model(x)["rgb"])
    for copies in (x for x in model.layers if isinstance(x, ModalityCopies)):
        copies.copies[1].set_weights([2 * w for w in copies.copies[1].get_weights()])
    np.testing.assert_array_equal(model(x)["rgb"], before)


def test_no_such_layer():
    with pytest.raises(ValueError, match="`sites` must match the name of at least one layer"):
        to_multimodal(bottlenecks(), PAIR, UnsharedNetworks("x$"))
