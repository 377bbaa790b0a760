import numpy as np
import pytest

from keras_asym.fusion import Alignment, Combined, UnsharedNetworks
from keras_asym.layers import ModalityAlignment
from keras_asym.models import Segmenter
from keras_asym.testing import check_strategy
from tests.fusion.examples import bottlenecks
from tests.helpers import EAGER, LONG_ON_JAX, images

PAIR = {"rgb": 3, "depth": 3}


@LONG_ON_JAX
def test_strategy_contract():
    check_strategy(
        Combined([UnsharedNetworks(), Alignment(0.5)]), bottlenecks(blocks=(1, 1)), modalities=(2,)
    )


@LONG_ON_JAX
def test_the_loss_of_alignment_is_trained():
    model = Segmenter(bottlenecks(blocks=(1, 1)), PAIR, Alignment(weight=3.0))
    model.compile("sgd", run_eagerly=EAGER)
    x = {name: images(2, 16, 16, 3, seed=i) for i, name in enumerate(PAIR)}
    model.network(x, training=True)
    assert len(model.losses) == len(
        [x for x in model.network.layers if isinstance(x, ModalityAlignment)]
    )
    assert all(float(np.asarray(loss)) > 0 for loss in model.losses)
    assert np.isfinite(
        model.fit(x, np.zeros((2, 16, 16), "int32"), verbose=0).history["loss"]
    ).all()


def test_wrong_weight():
    with pytest.raises(ValueError, match=r"`weight` must not be negative\. Received: weight=-1"):
        Alignment(-1)
