import keras
import pytest

from keras_asym.fusion import AsymmetricFusion, ChannelExchanging, Combined, to_multimodal
from keras_asym.layers import ChannelExchange, PixelShift
from tests.fusion.examples import bottlenecks

PAIR = {"rgb": 3, "depth": 3}


def test_both_act():
    fusion = Combined([ChannelExchanging(sites="_1_bn$"), AsymmetricFusion()])
    model = to_multimodal(bottlenecks(), PAIR, fusion, check=True)
    for kind, count in ((ChannelExchange, 4), (PixelShift, 2)):
        assert sum(isinstance(layer, kind) for layer in model.layers) == count


@pytest.mark.parametrize(
    ("strategies", "message"),
    [
        ([ChannelExchanging(), ChannelExchanging(0.1)], "'stack0_block0_2_bn', whose `normaliz"),
        ([AsymmetricFusion(), AsymmetricFusion("block1_2_conv")], "'stack0_block1_2_conv', whose"),
    ],
)
def test_conflicts(strategies, message):
    with pytest.raises(ValueError, match=f"must change different places.*{message}"):
        to_multimodal(bottlenecks(), PAIR, Combined(strategies))


@pytest.mark.parametrize("strategies", [[], ["cen"], [ChannelExchanging]])
def test_no_strategies(strategies):
    with pytest.raises(ValueError, match="`strategies` must be a list of fusion strategies"):
        Combined(strategies)


def test_round_trip():
    fusion = Combined([ChannelExchanging(0.1), AsymmetricFusion("a")])
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(fusion))
    assert again.get_config() == fusion.get_config()
    assert [type(x) for x in again.strategies] == [ChannelExchanging, AsymmetricFusion]
