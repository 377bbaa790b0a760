import keras
import numpy as np

from keras_asym.fusion import ChannelExchanging
from tests.helpers import arrays
from tests.models.tiny_translator import adam, batch, tiny_translator

EXCHANGE = ChannelExchanging(threshold=1e-2, l1=1e-3, sites=r"down\d+_norm$")


def test_training_goes_on_as_if_it_had_not_stopped(tmp_path):
    model = tiny_translator(fusion=EXCHANGE, dropout=0.5, dropout_at_test=False)
    model.compile(adam(), adam(1e-3), jit_compile=False, ensemble_optimizer=adam(1e-1))
    model.train_on_batch(*batch())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x, _ = batch()
    for a, b in zip(arrays(loaded(x)), arrays(model(x)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not loaded.dropout_at_test and loaded.l1_weight == model.l1_weight
    networks = (loaded.generator, loaded.discriminator)
    optimizers = [x for network in networks for x in loaded.optimizers_of(network)]
    rates = [x.learning_rate for x in optimizers]
    np.testing.assert_allclose(rates, [1e-2, 1e-1, 1e-3], rtol=1e-6)
    assert [int(x.iterations) for x in optimizers] == [1, 1, 1]
    for a, b in zip(model.variables, loaded.variables, strict=True):
        if "seed" in a.path:  # Keras saves no state of random numbers
            b.assign(a)
    for seed in (1, 2):
        model.train_on_batch(*batch(seed=seed))
        loaded.train_on_batch(*batch(seed=seed))
    for a, b in zip(model.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)
