import numpy as np
import pytest

from keras_asym.fusion import Averaging, to_multimodal
from keras_asym.testing import check_strategy
from tests.fusion.examples import bottlenecks
from tests.helpers import LONG_ON_JAX, images

PAIR = {"rgb": 3, "depth": 3}


@LONG_ON_JAX
def test_strategy_contract():
    check_strategy(Averaging("middle"), bottlenecks(blocks=(1, 1)), modalities=(2,))


@pytest.mark.parametrize("stage", ["early", "middle", "late"])
def test_the_mean_of_equal_images_gives_the_plain_network(stage):
    network = bottlenecks()
    model = to_multimodal(network, {"a": 3, "b": 3, "c": 3}, Averaging(stage))
    x = images(2, 16, 16, 3)
    y = model({"a": x, "b": x, "c": x})
    assert list(y) == ["ensemble"]
    np.testing.assert_allclose(y["ensemble"], network(x), atol=2e-5)
