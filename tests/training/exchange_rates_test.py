import keras
import numpy as np
import pytest

from keras_asym import fusion, models
from keras_asym.training import ExchangeRates
from tests.fusion.examples import bottlenecks
from tests.helpers import images

NAMES = {"rgb": 3, "depth": 3}


def trained_logs(strategy, callbacks):
    model = models.Segmenter(bottlenecks(), NAMES, strategy)
    model.compile("sgd")
    inputs = {name: images(4, 8, 8, 3) for name in NAMES}
    history = model.fit(inputs, np.zeros((4, 8, 8), "int32"), 2, 2, callbacks=callbacks, verbose=0)
    return history.history


def test_rates_follow_the_schedule():
    seen = []
    later = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs)))
    strategy = fusion.ChannelExchanging(target_rate=0.2, start_rate=1.0, steps=4)
    trained_logs(strategy, [ExchangeRates(), later])
    # Of 10 channels each owns 5: 5, 4, 3, 2 and in the end 1 of them are exchanged.
    assert [logs["rgb_exchange_rate"] for logs in seen] == [pytest.approx(0.3), pytest.approx(0.1)]
    assert [logs["depth_exchange_rate"] for logs in seen] == pytest.approx([0.3, 0.1])


def test_tokens_and_channels_are_logged_side_by_side():
    """With a threshold above 1 every token is exchanged, and none with one of 0."""
    for threshold, expected in ((1.5, 1.0), (0.0, 0.0)):
        tokens = fusion.TokenExchanging(threshold, sites="block1_3_bn$", share_batch_norms=False)
        strategy = fusion.Combined([tokens, fusion.ChannelExchanging(rule="random", rate=0.5)])
        logs = trained_logs(strategy, [ExchangeRates()])
        for name in NAMES:
            assert logs[f"{name}_token_exchange_rate"] == [expected, expected]
            assert logs[f"{name}_exchange_rate"] == pytest.approx([0.5, 0.5])


def test_nothing_is_logged_without_exchange():
    found = trained_logs(fusion.PrivateNormalization(), [ExchangeRates()])
    assert not any("exchange" in name for name in found)
