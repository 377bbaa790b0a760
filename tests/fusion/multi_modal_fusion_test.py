from keras_asym.fusion import MultiModalFusion, to_multimodal
from keras_asym.testing import check_strategy
from tests.fusion.examples import bottlenecks
from tests.helpers import LONG_ON_JAX

PAIR = {"rgb": 3, "depth": 3}


@LONG_ON_JAX
def test_strategy_contract():
    check_strategy(
        MultiModalFusion(width=4, dropout=0.0), bottlenecks(blocks=(1, 1)), modalities=(2,)
    )


def test_multi_modal_fusion_has_weights_of_each_modality():
    fusion = MultiModalFusion(sites="^stack0_block1_out$", width=6)
    model = to_multimodal(bottlenecks(), PAIR, fusion)
    name, c, w = "stack0_block1_out_merge", 40, 6
    added = [x for x in model.layers if x.name.startswith(name)]
    of_one = c * w + 2 * (9 * w * w + w + 9 * w * w) + 9 * w * w
    assert sum(x.count_params() for x in added) == 2 * of_one + 9 * w * w + w * c
