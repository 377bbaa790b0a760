import functools

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_asym.fusion import ChannelExchanging, Concatenation, select_modalities, to_multimodal
from keras_asym.models import Segmenter
from tests.helpers import LONG_ON_JAX, distance, randomize
from tests.models.tiny import CHANNELS, CLASSES, batch, cross_entropy, tiny_network

WEIGHTS = (0.5, 0.25)
SUFFIXES = ("", "/auxiliary_1", "/auxiliary_2")
PATHS = {"auxiliary_1_conv", "auxiliary_1_bn", "auxiliary_2_conv"}


def auxiliary_network(endings=()):
    """The tiny network with two auxiliary outputs, at its logits' size and at half of it."""
    network = tiny_network()
    first = network.get_layer("conv1_relu").output
    first = layers.Conv2D(CLASSES, 1, name="auxiliary_1_conv")(first)
    first = layers.BatchNormalization(name="auxiliary_1_bn")(first)
    second = layers.MaxPooling2D(name="pool")(network.get_layer("stack0_block0_2_relu").output)
    second = layers.Conv2D(CLASSES, 1, name="auxiliary_2_conv")(second)
    for ending in endings:
        second = ending(second)
    return keras.Model(network.input, [network.output, first, second], name="tiny")


def segmenter(count=2, weights=WEIGHTS, **kwargs):
    modalities = dict(list(CHANNELS.items())[:count])
    model = Segmenter(
        auxiliary_network(), modalities, ChannelExchanging(), auxiliary_weights=weights, **kwargs
    )
    return randomize(model)


@functools.cache
def frozen(count):
    """A model whose training step gives what its evaluation gives."""
    model = segmenter(count, freeze_statistics=True)
    model.compile(keras.optimizers.SGD(0.0))
    return model


def inner_layers(model):
    return {weight.path.split("/")[0] for weight in model.weights}


def plain(count=2):
    """The model of the same weights, without what only auxiliary outputs need."""
    return Segmenter(frozen(count).network)


class TestCall:
    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_auxiliary_outputs_in_training_alone(self, count):
        model, (x, _) = frozen(count), batch(count)
        names = list(x)
        auxiliary = {f"{name}/auxiliary_{index}" for name in names for index in (1, 2)}
        outputs = model(x, training=True)
        assert set(outputs) == {*names, "ensemble"} | auxiliary
        assert {value.shape for value in outputs.values()} == {(4, 8, 12, CLASSES)}
        assert set(model(x)) == set(model(x, training=False)) == {*names, "ensemble"}
        raw = model.training_network(x)["rgb"]
        for index in (1, 2):
            assert (
                distance(outputs[f"rgb/auxiliary_{index}"][:, :1, :1], raw[index][:, :1, :1]) < 1e-6
            )

    def test_logits_are_those_of_the_network_without_them(self):
        x, _ = batch(2)
        for key, value in plain()(x).items():
            np.testing.assert_array_equal(frozen(2)(x)[key], value)

    def test_network_is_without_them(self):
        model = frozen(2)
        assert inner_layers(model) - inner_layers(model.network) == PATHS
        assert model.network.name == "tiny" and set(model.network.output) == {
            *batch(2)[0],
            "ensemble",
        }
        without = plain()
        assert without.training_network is without.network

    def test_precision_of_the_losses(self):
        try:
            keras.config.set_dtype_policy("mixed_bfloat16")
            outputs = segmenter()(batch(2)[0], training=True)
        finally:
            keras.config.set_dtype_policy("float32")
        assert {keras.backend.standardize_dtype(x.dtype) for x in outputs.values()} == {"float32"}


@pytest.mark.usefixtures("without_graphs")
class TestLoss:
    @pytest.mark.parametrize("count", [1, 2])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_the_same_loss_times_the_weight(self, count, weighted):
        model, (x, y) = frozen(count), batch(count)
        sample_weight = np.array([0.0, 1.0, 2.0, 0.5], "float32") if weighted else None
        weights = sample_weight[:, None, None] if weighted else 1.0
        outputs = {k: ops.convert_to_numpy(v) for k, v in model(x, training=True).items()}
        losses = {key: cross_entropy(value, y, weights) for key, value in outputs.items()}
        keys = [*x, "ensemble"] if count > 1 else list(x)
        main = sum(losses[key] for key in keys) + float(sum(model.losses))
        auxiliary = sum(
            weight * losses[f"{name}/auxiliary_{index + 1}"]
            for name in x
            for index, weight in enumerate(WEIGHTS)
        )
        model.reset_metrics()
        logs = model.train_on_batch(x, y, sample_weight, return_dict=True)
        assert logs["loss"] == pytest.approx(main + auxiliary, rel=1e-5)
        model.reset_metrics()
        evaluated = model.test_on_batch(x, y, sample_weight, return_dict=True)
        assert evaluated["loss"] == pytest.approx(main, rel=1e-5)
        assert set(evaluated) == set(logs) and not any("auxiliary" in key for key in logs)

    def test_of_what_an_example_lacks(self):
        model, (x, y) = frozen(2), batch(2)
        x = {**x, "present": np.array([[1, 1], [0, 1], [1, 1], [1, 0]])}
        outputs = model(x, training=True)
        total = float(sum(model.losses))
        for column, name in enumerate(["rgb", "depth"]):
            mask = np.where(x["present"][:, column, None, None], y, 255)
            for suffix, weight in zip(SUFFIXES, (1.0, *WEIGHTS), strict=True):
                total += weight * cross_entropy(outputs[name + suffix], mask)
        total += cross_entropy(outputs["ensemble"], y)
        model.reset_metrics()
        assert model.train_on_batch(x, y, return_dict=True)["loss"] == pytest.approx(
            total, rel=1e-5
        )

    def test_own_loss_by_output(self):
        def three(y_true, y_pred):
            return 0.0 * ops.sum(y_pred, axis=-1) + 3.0

        model, (x, y) = segmenter(), batch(2)
        model.compile("sgd", {"rgb": three, "depth": None, "ensemble": three})
        expected = 3 * (1 + 0.75 + 1) + float(sum(model.losses))
        assert model.train_on_batch(x, y, return_dict=True)["loss"] == pytest.approx(expected)

    def test_trains_the_auxiliary_layers(self):
        model = segmenter()
        model.compile(keras.optimizers.SGD(0.1))
        before = {w.path: ops.convert_to_numpy(w) for w in model.trainable_weights}
        model.train_on_batch(*batch(2))
        reached = {
            w.path.split("/")[0]
            for w in model.trainable_weights
            if np.any(before[w.path] != ops.convert_to_numpy(w))
        }
        assert reached >= PATHS

    def test_metrics_of_the_first_output(self):
        model, (x, y) = frozen(2), batch(2)
        model.reset_metrics()
        train = model.train_on_batch(x, y, return_dict=True)
        without = plain()
        without.compile("sgd")
        for key, value in without.test_on_batch(x, y, return_dict=True).items():
            if key != "loss":
                assert train[key] == pytest.approx(value, rel=1e-5), key


@LONG_ON_JAX
@pytest.mark.usefixtures("without_graphs")
def test_training_goes_on_as_if_it_had_not_been_saved(tmp_path):
    model = segmenter()
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(*batch(2), batch_size=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert loaded.get_config()["auxiliary_weights"] == list(WEIGHTS)
    x, y = batch(2, seed=3)
    for key, value in model(x, training=False).items():
        np.testing.assert_array_equal(loaded(x)[key], value)
    for one in (model, loaded):
        one.reset_metrics()
    logs = [one.train_on_batch(x, y, return_dict=True) for one in (model, loaded)]
    assert logs[0] == logs[1]
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.save_weights(tmp_path / "model.weights.h5")
    other = segmenter()
    other.load_weights(tmp_path / "model.weights.h5")
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.usefixtures("without_graphs")
def test_a_selection_has_the_logits_alone():
    model, (x, y) = frozen(3), batch(3)
    part = model.select(["depth", "normal"])
    assert part.auxiliary_weights == [] and not inner_layers(part) & PATHS
    assert {id(w) for w in part.weights} <= {id(w) for w in model.weights}
    part.compile("sgd")
    assert np.isfinite(part.train_on_batch(x, y, return_dict=True)["loss"])
    whole = select_modalities(model.training_network, ["depth", "normal"])
    images = {name: x[name] for name in whole.input}
    outputs = whole(images)
    assert len(outputs["depth"]) == 3
    expected = part.network(images)
    np.testing.assert_array_equal(outputs["ensemble"], expected["ensemble"])


def test_of_modalities_that_are_merged():
    fusion = Concatenation(sites="conv1_bn$")
    model = Segmenter(
        auxiliary_network(), {"rgb": 3, "depth": 1}, fusion, auxiliary_weights=WEIGHTS
    )
    model.compile(keras.optimizers.SGD(0.0))
    x, y = batch(2)
    outputs = model(x, training=True)
    losses = [cross_entropy(outputs[f"ensemble{suffix}"], y) for suffix in SUFFIXES]
    assert set(outputs) == {f"ensemble{suffix}" for suffix in SUFFIXES}
    assert set(model(x)) == set(model.select(["depth"])({"depth": x["depth"]})) == {"ensemble"}
    expected = np.dot(losses, (1.0, *WEIGHTS))
    assert float(model.compute_loss(x, y, outputs)) == pytest.approx(expected, rel=1e-5)


class TestErrors:
    @pytest.mark.parametrize("weights", [(), (0.5,), (0.5, 0.5, 0.5), 0.5, None])
    def test_number_of_weights(self, weights):
        with pytest.raises(ValueError, match=r"'tiny' has 2;.*auxiliary_weights="):
            Segmenter(auxiliary_network(), {"rgb": 3}, auxiliary_weights=weights)
        with pytest.raises(ValueError, match=r"'tiny' has 0;.*Received: auxiliary_weights="):
            Segmenter(tiny_network(), {"rgb": 3}, auxiliary_weights=weights or (0.5,))

    @pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf"), "0.5"])
    def test_weights(self, weight):
        with pytest.raises(ValueError, match="finite numbers of at least 0"):
            segmenter(weights=(0.5, weight))

    def test_network_that_is_multimodal_already(self):
        network = to_multimodal(auxiliary_network(), {"rgb": 3}, ensemble=True)
        assert Segmenter(network, auxiliary_weights=[1, 1]).auxiliary_weights == [1.0, 1.0]
        with pytest.raises(ValueError, match="'tiny' has 2"):
            Segmenter(network)

    def test_other_classes(self):
        more = layers.Conv2D(CLASSES + 1, 1)
        with pytest.raises(ValueError, match="as many classes"):
            Segmenter(auxiliary_network([more]), {"rgb": 3}, auxiliary_weights=WEIGHTS)

    def test_probabilities(self):
        network = auxiliary_network([layers.Softmax(name="last")])
        model = Segmenter(network, {"rgb": 3}, auxiliary_weights=WEIGHTS)
        with pytest.raises(ValueError, match=r"must end in logits.*'last' with softmax"):
            model.compile("sgd")
