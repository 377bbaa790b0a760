import re

import keras
import numpy as np
import pytest
from keras import ops

from keras_asym.fusion import AsymmetricFusion, ChannelExchanging, PrivateNormalization
from keras_asym.layers.modality_ensemble import KINDS
from keras_asym.losses import ValidPixelCrossentropy
from keras_asym.models import Segmenter
from keras_asym.networks import ENCODER_VARIABLES, RefineNet
from keras_asym.training.coupled_sgd import CoupledSGD
from tests.models.tiny import batch, tiny_segmenter

FUSIONS = [PrivateNormalization(), ChannelExchanging(), AsymmetricFusion()]


def two_rates():
    """The papers' optimizer: one learning rate for the encoder, one for the rest."""
    return keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(
            CoupledSGD(3e-2, 0.9, 1e-3), {ENCODER_VARIABLES: CoupledSGD(5e-3, 0.9, 1e-3)}
        )
    )


def saved_and_loaded(model, path):
    model.save(path / "model.keras")
    return keras.saving.load_model(path / "model.keras", safe_mode=True)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: type(fusion).__name__)
def test_saved_model_gives_the_same_numbers(count, fusion, tmp_path):
    settings = {"ignore_class": 7, "evaluation_resize": "bicubic", "ensemble": KINDS[count % 3]}
    model = tiny_segmenter(count, fusion, **settings)
    loaded = saved_and_loaded(model, tmp_path)
    assert type(loaded) is Segmenter
    assert (loaded.ignore_class, loaded.evaluation_resize) == (7, "bicubic")
    x, _ = batch(count)
    for key, value in model(x).items():
        np.testing.assert_array_equal(loaded(x)[key], value)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float32", "float64"])
def test_the_dtype_is_that_of_the_saved_model(policy, tmp_path):
    """Whatever the policy of the program that loads it; images of 0..65535 are none in float16."""
    if policy == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX has no float64 by default")
    try:
        keras.config.set_dtype_policy(policy)
        model = tiny_segmenter(2, ChannelExchanging())
        model.save(tmp_path / "model.keras")
        x, _ = batch(2)
        x["depth"] = 1e5 * x["depth"]
        expected = model(x)
        keras.config.set_dtype_policy("mixed_float16")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        part = loaded.select(["rgb"])
    finally:
        keras.config.set_dtype_policy("float32")
    assert loaded.dtype_policy.name == part.dtype_policy.name == policy
    for key, value in expected.items():
        assert np.isfinite(ops.convert_to_numpy(value)).all()
        np.testing.assert_array_equal(loaded(x)[key], value)


def test_what_is_frozen_stays_frozen(tmp_path):
    model = tiny_segmenter(2)
    model.network.get_layer("conv1_conv").trainable = False
    loaded = saved_and_loaded(model, tmp_path)
    trainable = [v.path for v in model.trainable_variables]
    assert [v.path for v in loaded.trainable_variables] == trainable
    model.trainable = False
    loaded = saved_and_loaded(model, tmp_path)
    assert not loaded.trainable and not loaded.trainable_variables


def test_training_goes_on_as_if_it_had_not_been_saved(tmp_path):
    model = tiny_segmenter(2, ChannelExchanging(), freeze_statistics=True)
    model.compile(two_rates())
    for seed in range(2):
        model.train_on_batch(*batch(2, seed=seed))
    loaded = saved_and_loaded(model, tmp_path)
    assert loaded.compiled
    for one in (model, loaded):
        one.reset_metrics()
    logs = [one.train_on_batch(*batch(2, seed=5), return_dict=True) for one in (model, loaded)]
    assert logs[0] == logs[1]
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)  # momentum included: this step used it
    for a, b in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


@pytest.mark.usefixtures("without_graphs")
def test_class_weights_are_saved(tmp_path):
    model = tiny_segmenter(2)
    loss = ValidPixelCrossentropy(class_weights=[0.2, 1.0, 3.0, 0.0, 1.0])
    model.compile("sgd", loss)
    model.train_on_batch(*batch(2))
    loaded = saved_and_loaded(model, tmp_path)
    for each in loaded.loss.values():
        assert each.get_config() == loss.get_config()
    for one in (model, loaded):
        one.reset_metrics()
    logs = [one.train_on_batch(*batch(2, seed=5), return_dict=True) for one in (model, loaded)]
    assert logs[0] == logs[1]


def test_class_weights_that_do_not_fit_are_found_before_training():
    loss = ValidPixelCrossentropy(class_weights=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"each of the 5 classes.*Received: 2 weights"):
        tiny_segmenter(2).compile("sgd", loss)


@pytest.mark.usefixtures("without_graphs")
def test_two_rates_reach_their_variables():
    model = tiny_segmenter(2)
    optimizer = keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(CoupledSGD(0.1), {ENCODER_VARIABLES: CoupledSGD(0.0)})
    )
    model.compile(optimizer)
    before = {v.path: ops.convert_to_numpy(v) for v in model.trainable_variables}
    model.train_on_batch(*batch(2))
    changed = {
        v.path.split("/")[0]
        for v in model.trainable_variables
        if np.any(before[v.path] != ops.convert_to_numpy(v))
    }
    assert changed == {"classifier", "ensemble"}


@pytest.mark.parametrize(
    ("decoder", "fusion"), [("light", ChannelExchanging()), ("full", AsymmetricFusion())]
)
def test_encoder_variables_are_those_of_the_resnet(decoder, fusion):
    network = RefineNet("resnet18", 5, decoder, (8, 8, 8, 8))
    model = Segmenter(network, {"rgb": 3, "depth": 4}, fusion)
    inside = ("conv1_conv", "conv1_bn", "stack")
    encoder = [v.path for v in model.weights if v.path.split("/")[-2].startswith(inside)]
    assert len(encoder) == 20 * 5
    assert encoder == [v.path for v in model.weights if re.fullmatch(ENCODER_VARIABLES, v.path)]
