import pytest

from keras_asym.layers import TokenExchange
from recipes.segmentation.model import build_model
from recipes.segmentation.task import Segmentation
from tests.recipes.segmentation.configs_test import config_of


@pytest.mark.parametrize("trained", [True, False])
def test_the_weights_of_the_ensemble_are_trained_or_not(trained):
    """Of token exchange in a narrow network, whose program leaves them as they begin."""
    config = config_of("nyudv2_segformer_b2_tokens")
    config.network.update(backbone="mit_b0", backbone_width=4, filters=8)
    config.fusion.train_ensemble = trained
    task = Segmentation(config)
    model, _ = build_model(config, task.input_channels, 3, task.fusion())
    assert ("ensemble/alpha" in {v.path for v in model.trainable_variables}) == trained
    assert "ensemble/alpha" in {v.path for v in model.variables}
    assert sum(isinstance(x, TokenExchange) for x in model.network.layers) == 8
