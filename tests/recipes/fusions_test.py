"""The strategies that a config names, beside those that the runs of other tests make."""

import pytest

from keras_asym.fusion import ChannelExchanging, Combined, TokenExchanging
from recipes.image_translation.task import ImageTranslation
from recipes.segmentation.task import Segmentation
from tests.recipes.segmentation.configs_test import config_of

SETTINGS = {
    "token_threshold": 0.3,
    "token_l1": 1e-6,
    "token_l1_reduction": "sum",
    "token_predictors": "block",
    "token_sites": "attention_proj$",
}
TOKENS = {
    "threshold": 0.3,
    "l1": 1e-6,
    "l1_reduction": "sum",
    "predictors": "block",
    "sites": "attention_proj$",
    "share_batch_norms": True,
    "seed": 0,
}


@pytest.mark.parametrize("task", [Segmentation, ImageTranslation], ids=lambda task: task.name)
def test_settings_of_token_exchange(task):
    config = task.default_config()
    config.fusion.update(name="token_exchanging", **SETTINGS)
    fusion = task(config).fusion()
    assert type(fusion) is TokenExchanging and fusion.get_config() == TOKENS


def test_token_and_channel_exchange():
    config = config_of("nyudv2_segformer_b2_tokens")
    config.fusion.update(name="token_and_channel_exchanging", **SETTINGS)
    fusion = Segmentation(config).fusion()
    assert type(fusion) is Combined
    tokens, channels = fusion.strategies
    assert tokens.get_config() == TOKENS
    assert type(channels) is ChannelExchanging and channels.l1 == 1e-3
    assert channels.sites == r"block\d+_norm[12]$"
