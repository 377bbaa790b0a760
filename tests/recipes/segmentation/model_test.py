import re

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


@pytest.mark.parametrize("fusion", ["channel_exchanging", "unshared_exchange", "concatenation"])
def test_all_of_the_encoder_has_its_rate(fusion):
    """Also norms that stand inside of an exchange, and each modality's own layers."""
    config = config_of("rendered_rooms")
    config.network.update(backbone_width=4, decoder_widths=(4, 4, 4, 4))
    config.fusion.name = fusion
    task = Segmentation(config)
    model, encoder = build_model(config, task.input_channels, 3, task.fusion())
    paths = [v.path for v in model.trainable_variables]
    found = {path for path in paths if re.fullmatch(encoder, path)}
    stages = [path for path in paths if re.search(r"\b(conv1|stack\d)_", path)]
    assert len(stages) > 50 and found == {path for path in stages if "_merge_" not in path}
    exchanged = [path for path in found if "_exchange/" in path]
    assert len(exchanged) == (16 if "exchang" in fusion else 0)
