import numpy as np

from keras_asym.fusion import Concatenation, to_multimodal
from keras_asym.testing import check_strategy
from tests.fusion.examples import bottlenecks
from tests.helpers import LONG_ON_JAX, images

PAIR = {"rgb": 3, "depth": 3}


@LONG_ON_JAX
def test_strategy_contract():
    check_strategy(Concatenation(), bottlenecks(blocks=(1, 1)), modalities=(2,))


def test_a_convolution_of_all_channels_and_a_norm():
    network = bottlenecks()
    model = to_multimodal(network, PAIR, Concatenation(sites="^stem_bn$"))
    name, plain = "stem_bn_merge", network.get_layer("stem_bn")
    conv, norm = model.get_layer(f"{name}_conv"), model.get_layer(f"{name}_norm")
    assert conv.kernel.shape == (1, 1, 80, 40) and not conv.use_bias
    assert type(norm) is type(plain) and norm.epsilon == plain.epsilon
    conv.kernel.assign(np.concatenate([np.eye(40), np.zeros((40, 40))])[None, None])
    norm.set_weights([np.ones(40), np.zeros(40), np.zeros(40), np.full(40, 1 - norm.epsilon)])
    x = {key: images(2, 16, 16, 3, seed=i) for i, key in enumerate(PAIR)}
    np.testing.assert_allclose(model(x)["ensemble"], network(x["rgb"]), atol=1e-5)
