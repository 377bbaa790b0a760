import keras
import pytest

from keras_asym.fusion import to_multimodal
from keras_asym.networks import MixTransformer, SegFormer
from keras_asym.weights import load_keras_hub_mix_transformer
from tests.helpers import arrays, distance, images, randomize, run

DEPTHS = (1, 2, 1, 1)
AS_KERAS_HUB = {"epsilons": {"stage": 1e-5}, "approximate_gelu": True}


@pytest.fixture(scope="module")
def backbone():
    keras_hub = pytest.importorskip("keras_hub")
    return randomize(
        keras_hub.models.MiTBackbone(
            layerwise_depths=DEPTHS,
            num_layers=4,
            layerwise_num_heads=[1, 2, 5, 8],
            layerwise_sr_ratios=[8, 4, 2, 1],
            max_drop_path_rate=0.1,
            layerwise_patch_sizes=[7, 3, 3, 3],
            layerwise_strides=[4, 2, 2, 2],
            image_shape=(64, 64, 3),
            hidden_dims=[4, 8, 20, 32],
        )
    )


def features(backbone, x):
    return arrays(run(keras.Model(backbone.input, list(backbone.pyramid_outputs.values())), x))


def test_the_same_weights_give_the_same_features(backbone):
    x = images(2, 64, 64, 3)
    network = MixTransformer("b0", 4, DEPTHS, **AS_KERAS_HUB)
    load_keras_hub_mix_transformer(network, backbone)
    for ours, theirs in zip(arrays(run(network, x)), features(backbone, x), strict=True):
        assert distance(ours, theirs) < 1e-5


def test_every_modality_gets_them(backbone):
    x = images(2, 64, 64, 3)
    model = to_multimodal(MixTransformer("b0", 4, DEPTHS, **AS_KERAS_HUB), {"rgb": 3, "depth": 3})
    load_keras_hub_mix_transformer(model, backbone)
    for branch in run(model, {"rgb": x, "depth": x}).values():
        for ours, theirs in zip(arrays(branch), features(backbone, x), strict=True):
            assert distance(ours, theirs) < 1e-5


def test_it_is_an_encoder_for_the_head(backbone):
    """Its own features are found by their names, without loading anything."""
    network = SegFormer(backbone, 5, 8)
    assert network.output.shape == (None, 16, 16, 5)


def test_another_size_is_listed(backbone):
    with pytest.raises(ValueError, match=r"unexpected: block2\.1.attn.q.weight"):
        load_keras_hub_mix_transformer(MixTransformer("b0", 4, (1, 1, 1, 1)), backbone)
    with pytest.raises(ValueError, match=r"wrong shape: patch_embed1.proj.bias \(4,\) for stage1"):
        load_keras_hub_mix_transformer(MixTransformer("b0", 8, DEPTHS), backbone)


def test_another_backbone():
    with pytest.raises(ValueError, match=r"`backbone` must be a keras_hub.models.MiTBackbone"):
        load_keras_hub_mix_transformer(MixTransformer("b0", 4), MixTransformer("b0", 4))
