import keras
import pytest

from benchmarks.backbones import MOST, NAMES, check

QUICK = ("keras_hub DINOV2",)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="it writes SavedModels")
@pytest.mark.parametrize(
    "name", [x if x in QUICK else pytest.param(x, marks=pytest.mark.slow) for x in NAMES]
)
# Of Keras and KerasHub: names of inputs, and masks that a layer does not take.
@pytest.mark.filterwarnings("ignore:The structure of `inputs`", "ignore:.*mask attached to it")
def test_a_backbone_of_the_ecosystem(name):
    _, share, differences = check(name)
    assert share <= 0.03
    assert max(differences.values()) <= MOST
