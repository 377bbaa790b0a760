import numpy as np

from keras_asym.fusion import SharedNormalizations, to_multimodal
from keras_asym.testing import check_strategy
from tests.fusion.examples import bottlenecks
from tests.helpers import LONG_ON_JAX, images

PAIR = {"rgb": 3, "depth": 3}


@LONG_ON_JAX
def test_strategy_contract():
    check_strategy(SharedNormalizations(), bottlenecks(blocks=(1, 1)), modalities=(2,))


def test_some_norms_are_shared():
    """As in a DeepLab whose encoder alone has private norms."""
    network = bottlenecks()
    model = to_multimodal(network, PAIR, SharedNormalizations("^stack1"), check=True)
    norms = [x for x in network.layers if x.name.endswith("_bn")]
    private = sum(x.count_params() for x in norms if not x.name.startswith("stack1"))
    assert model.count_params() == network.count_params() + private


def test_shared_norms_move_by_the_statistics_of_all():
    plain = bottlenecks()
    model = to_multimodal(plain, PAIR, SharedNormalizations())
    x = images(2, 16, 16, 3)
    model({"rgb": x, "depth": x}, training=True)
    plain(x, training=True)
    np.testing.assert_allclose(
        model.get_layer("stem_bn").layer.moving_mean[0],
        plain.get_layer("stem_bn").moving_mean,
        atol=1e-5,
    )
