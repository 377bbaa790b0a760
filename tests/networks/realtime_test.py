import keras
import numpy as np
import pytest

from keras_asym.fusion import ChannelExchanging
from keras_asym.layers import ChannelExchange
from keras_asym.models import Segmenter
from keras_asym.networks import EfficientNetLite0, Realtime
from tests.helpers import images, run


def shapes(*args, **kwargs):
    """A network without values, which is quick."""
    with keras.StatelessScope(initialize_variables=False):
        return Realtime(*args, **kwargs)


def parameters(network):
    return sum(int(np.prod(w.shape)) for w in network.trainable_weights)


def test_number_of_parameters():
    network = shapes()
    assert parameters(network) == 3_008_488
    assert network.name == "realtime_efficientnet_lite0"
    assert parameters(shapes(backbone_width=16)) < 1_000_000


@pytest.mark.parametrize(
    ("backbone", "width"), [("resnet18", 4), ("MobileNetV3Small", None), ("mit_b0", 4)]
)
def test_other_encoders(backbone, width):
    network = shapes(backbone, 7, 8, width)
    assert network.output.shape == (None, None, None, 7)
    names = [layer.name for layer in network.layers]
    assert [f"decoder_stage{i}_conv" in names for i in range(1, 6)] == [True] * 4 + [False]


def test_every_stage_reaches_the_logits_at_its_place():
    """An encoder whose stages are the image itself, smaller."""
    inputs = keras.Input((None, None, 3))
    pools = [keras.layers.AveragePooling2D(2**i, padding="same") for i in (2, 3, 5)]
    keras.utils.set_random_seed(0)
    network = Realtime(keras.Model(inputs, [p(inputs) for p in pools]), 5, 32)
    x = images(1, 64, 96, 3)
    whole = np.asarray(run(network, x))
    assert whole.shape == (1, 16, 24, 5)
    for stage in (1, 2, 3):
        layer = network.get_layer(f"decoder_stage{stage}_conv")
        kernel = np.array(layer.kernel)
        layer.kernel.assign(0 * kernel)
        change = np.abs(np.asarray(run(network, x)) - whole).max()
        assert change > 1e-5 * np.abs(whole).max(), stage
        layer.kernel.assign(kernel)
    x[:, 32:] += 1.0  # three separable convolutions of stride 16, 8 and 4 look some pixels up
    changed = np.abs(np.asarray(run(network, x)) - whole).max((0, 2, 3))
    assert changed[-1] > 1e-2 * np.abs(whole).max()


def test_it_fuses_as_the_others():
    network = Realtime(EfficientNetLite0(width=4), 5, 8)
    model = Segmenter(network, {"rgb": 3, "depth": 1}, ChannelExchanging(target_rate=0.5))
    exchanges = [x for x in model.network.layers if isinstance(x, ChannelExchange)]
    assert len(exchanges) == 16
    outputs = model({"rgb": images(1, 33, 50, 3), "depth": images(1, 33, 50, 1)})
    assert {key: tuple(x.shape) for key, x in outputs.items()} == dict.fromkeys(
        ("rgb", "depth", "ensemble"), (1, 33, 50, 5)
    )
