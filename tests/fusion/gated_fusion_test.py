import keras
import numpy as np
import pytest

from keras_asym.fusion import GatedFusion, to_multimodal
from keras_asym.testing import check_strategy
from tests.fusion.examples import bottlenecks
from tests.helpers import LONG_ON_JAX, arrays, images, randomize

PAIR = {"rgb": 3, "depth": 3}


@LONG_ON_JAX
def test_strategy_contract():
    check_strategy(GatedFusion(), bottlenecks(blocks=(1, 1)), modalities=(2,))


def test_gates_by_the_formula():
    fusion = GatedFusion(sites="^stack0_block1_out$", reduction=8)
    model = randomize(to_multimodal(bottlenecks(), PAIR, fusion))
    name = "stack0_block1_out_merge"
    part = keras.Model(
        model.inputs,
        [model.get_layer(f"{name}_{x}").output for x in ("concat", "squeeze_conv", "conv", "norm")],
    )
    f, squeezed, y, normalized = arrays(
        part({k: images(2, 8, 8, 3, seed=i) for i, k in enumerate(PAIR)})
    )
    assert squeezed.shape[-1] == f.shape[-1] / 8
    gate = model.get_layer(f"{name}_gate_conv")(np.maximum(squeezed, 0))
    expected = model.get_layer(f"{name}_conv")(f / (1 + np.exp(-np.asarray(gate))))
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert normalized.shape == (2, 8, 8, 40)
    assert model.get_layer(f"{name}_gate_conv").use_bias


def test_the_last_convolution_without_a_norm():
    fusion = GatedFusion(sites="^stack0_block1_out$", output_size=3, normalize=False)
    model = to_multimodal(bottlenecks(), PAIR, fusion)
    last = model.get_layer("stack0_block1_out_merge_conv")
    assert last.kernel.shape == (3, 3, 80, 40) and last.use_bias
    assert "stack0_block1_out_merge_norm" not in [x.name for x in model.layers]


def test_wrong_reduction():
    with pytest.raises(ValueError, match=r"`reduction` must be at least 1\. Received: reduction=0"):
        GatedFusion(reduction=0)
