"""The two players of a Translator: weights of examples, frozen ones, state, what is refused."""

import keras
import numpy as np
import pytest
from keras import ops
from keras.optimizers import SGD

from keras_asym.fusion import (
    Averaging,
    PrivateNormalization,
    condition_on_modalities,
    to_multimodal,
)
from keras_asym.models import Translator
from keras_asym.networks import UNetGenerator
from tests.helpers import arrays, randomize
from tests.models.tiny_translator import CHANNELS, batch

PLAYERS = ("generator", "discriminator")


def judge(state=False, channels=6):
    """A discriminator of two convolutions, with everything that has state between them."""
    inputs = x = keras.Input((None, None, channels))
    x = keras.layers.Conv2D(4, 3, 2, name="judge_conv1")(x)
    if state:
        x = keras.layers.BatchNormalization(momentum=0.5, name="judge_bn")(x)
        x = keras.layers.Dropout(0.5, seed=1, name="judge_dropout")(x)
    x = keras.layers.LeakyReLU(name="judge_relu")(x)
    return keras.Model(inputs, keras.layers.Conv2D(1, 3, name="judge_conv2")(x), name="judge")


def translator(state=False, l1_weight=100.0, **kwargs):
    modalities = dict(list(CHANNELS.items())[:2])
    generator = UNetGenerator(2, 2, 3, 0.0)
    return randomize(Translator(generator, judge(state), modalities, l1_weight=l1_weight, **kwargs))


def small(size=4, **kwargs):
    return batch(size=size, height=16, width=16, **kwargs)


def compiled(model, rate=1e-2):
    model.compile(SGD(rate), SGD(rate), jit_compile=False)
    return model


def values(network):
    return {v.path: ops.convert_to_numpy(v) for v in network.variables}


def changed(before, network):
    return {path for path, value in values(network).items() if np.any(before[path] != value)}


class TestSampleWeight:
    def test_training_is_that_of_the_weighted_examples(self):
        """Weights 2 and 0 are the mean over the first half alone, for both players."""
        x, y = small()
        half = {name: image[:2] for name, image in x.items()}
        weighted, alone = compiled(translator()), compiled(translator())
        weight = np.array([2, 2, 0, 0], "float32")
        logs = weighted.train_on_batch(x, y, sample_weight=weight, return_dict=True)
        expected = alone.train_on_batch(half, y[:2], return_dict=True)
        assert logs == pytest.approx(expected, rel=1e-4)
        for a, b in zip(weighted.trainable_variables, alone.trainable_variables, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6, err_msg=a.path)

    def test_penalties_belong_to_no_example(self):
        model = compiled(translator(l1_weight=0.0))
        terms = {"adversarial_loss": ops.ones(2), "sparsity_loss": 3 * ops.ones(2)}
        weight = np.array([0.5, 0.0], "float32")
        assert float(model._mean_of(terms, weight)) == pytest.approx(3.25)

    @pytest.mark.parametrize("weight", [np.ones((4, 16, 16), "float32"), {"depth": np.ones(4)}])
    def test_weights_of_pixels_are_refused(self, weight):
        model, (x, y) = compiled(translator()), small()
        for method in (model.train_on_batch, model.test_on_batch):
            with pytest.raises(ValueError, match="one number for each example"):
                method(x, y, sample_weight=weight)


class TestFrozenPlayer:
    @pytest.mark.parametrize("frozen", PLAYERS)
    def test_it_is_not_updated(self, frozen, tmp_path):
        model = translator()
        getattr(model, frozen).trainable = False
        compiled(model)
        before = {player: values(getattr(model, player)) for player in PLAYERS}
        logs = model.train_on_batch(*small(), return_dict=True)
        assert np.isfinite(list(logs.values())).all() and logs["adversarial_loss"] > 0
        for player in PLAYERS:
            assert (player == frozen) != bool(changed(before[player], getattr(model, player)))
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        assert not getattr(loaded, frozen).trainable_variables
        before = values(getattr(loaded, frozen))
        loaded.train_on_batch(*small())
        assert not changed(before, getattr(loaded, frozen))

    def test_both(self):
        model = translator()
        model.generator.trainable = model.discriminator.trainable = False
        with pytest.raises(ValueError, match=r"must be trainable.*trainable=False for both"):
            compiled(model)


class TestStateOfTheDiscriminator:
    def test_each_decision_of_a_step_updates_it(self):
        """The moving mean after one step at learning rate 0, worked out from three decisions."""
        model = compiled(translator(state=True), rate=0.0)
        x, y = small()
        outputs = model(x, training=True)
        network = model.discriminator.get_layer("judge")
        norm = network.get_layer("judge_bn")
        mean = ops.convert_to_numpy(norm.moving_mean)
        generated = [ops.convert_to_numpy(outputs[name]) for name in model.modality_names]
        depth = np.repeat(x["depth"], 3, axis=-1)
        for candidates in ([y, y], generated, generated):
            pairs = [
                np.concatenate([image, candidate], axis=-1)
                for image, candidate in zip((depth, x["normal"]), candidates, strict=True)
            ]
            features = network.get_layer("judge_conv1")(np.concatenate(pairs))
            mean = 0.5 * mean + 0.5 * ops.convert_to_numpy(features).mean((0, 1, 2))
        seeds = [v for v in network.variables if "seed" in v.path]
        before = arrays(seeds)
        model.train_on_batch(x, y)
        np.testing.assert_allclose(norm.moving_mean, mean, rtol=1e-4, atol=1e-6)
        assert seeds and all(np.any(a != b) for a, b in zip(before, arrays(seeds), strict=True))

    def test_evaluation_leaves_it_alone(self):
        model = compiled(translator(state=True))
        before = values(model.discriminator)
        logs = [model.test_on_batch(*small(), return_dict=True) for _ in range(2)]
        assert not changed(before, model.discriminator)
        assert logs[0] == pytest.approx(logs[1], rel=1e-6)


class TestCompile:
    def test_one_optimizer_for_both(self):
        optimizer = keras.optimizers.Adam()
        with pytest.raises(ValueError, match=r"must be different objects.*Received: adam twice"):
            translator().compile(optimizer, optimizer)
        with pytest.raises(ValueError, match=r"must be different objects.*Received: adam twice"):
            translator().compile("sgd", optimizer, ensemble_optimizer=optimizer)

    @pytest.mark.parametrize("position", [0, 1])
    def test_no_optimizer(self, position):
        optimizers = ["adam", "adam"]
        optimizers[position] = None
        with pytest.raises(ValueError, match=r"must be optimizers.*Received.*None"):
            translator().compile(*optimizers, ensemble_optimizer="sgd")

    def test_names_of_optimizers(self):
        model = translator()
        model.compile("adam", "adam")
        model.train_on_batch(*small())
        (first,), (second,) = (model.optimizers_of(getattr(model, p)) for p in PLAYERS)
        assert first is not second
        assert [int(x.iterations) for x in (first, second)] == [1, 1]

    def test_the_ensemble_has_its_own_optimizer(self):
        def step(**kwargs):
            model = translator()
            before = values(model)
            model.compile(SGD(0.1), SGD(0.1), jit_compile=False, **kwargs)
            model.train_on_batch(*small())
            return {v.path: ops.convert_to_numpy(v) - before[v.path] for v in model.variables}

        plain, faster = step(), step(ensemble_optimizer=SGD(0.7))
        (alpha,) = [path for path in plain if path.endswith("alpha")]
        assert np.all(plain[alpha] != 0)
        plain[alpha] = 7 * plain[alpha]
        for path, change in plain.items():
            np.testing.assert_allclose(faster[path], change, rtol=1e-5, atol=1e-7, err_msg=path)

    def test_one_output_has_no_ensemble(self):
        model = translator(fusion=Averaging())
        model.compile("adam", "adam", ensemble_optimizer="sgd")
        model.train_on_batch(*small())
        assert len(model.optimizer.optimizers) == 2

    @pytest.mark.parametrize("name", ["loss", "metrics", "auto_scale_loss", "optimizer"])
    def test_what_is_fixed(self, name):
        with pytest.raises(ValueError, match=rf"takes its optimizers.*'{name}'\]"):
            translator().compile("adam", "adam", **{name: "mse"})

    @pytest.mark.parametrize("policy", ["mixed_float16", "float16"])
    def test_float16(self, policy):
        keras.config.set_dtype_policy(policy)
        try:
            model = translator()
            with pytest.raises(ValueError, match=rf"mixed_bfloat16.*Received.*{policy}"):
                model.compile("adam", "adam")
        finally:
            keras.config.set_dtype_policy("float32")


class TestTargets:
    @pytest.mark.parametrize(
        ("change", "received"),
        [
            (lambda y: {"depth": y, "normal": y}, "dict"),
            (lambda y: y[..., :2], r"\(4, 16, 16, 2\)"),
            (lambda y: y[:, :8], r"\(4, 8, 16, 3\)"),
            (lambda y: y[..., 0], r"\(4, 16, 16\)"),
            (lambda y: None, "NoneType"),
        ],
    )
    def test_wrong_ones(self, change, received):
        model, (x, y) = compiled(translator()), small()
        for method in (model.train_on_batch, model.test_on_batch):
            with pytest.raises(ValueError, match=rf"target must be one image.*{received}"):
                method(x, change(y))

    def test_class_weight(self):
        model, (x, y) = compiled(translator()), small()
        with pytest.raises(ValueError, match="`class_weight` must be None"):
            model.fit(x, y, class_weight={0: 1.0}, verbose=0)


@pytest.fixture(scope="module")
def networks():
    """Generator and discriminator that are multimodal already."""
    modalities = {"depth": 1, "normal": 3}
    generator = to_multimodal(UNetGenerator(2, 2, 3, 0.0), modalities, ensemble=True)
    return generator, condition_on_modalities(judge(), modalities, 3)


class TestNetworksThatAreMultimodal:
    def test_are_taken_as_they_are(self, networks):
        assert Translator(*networks).modality_names == ("depth", "normal")

    @pytest.mark.parametrize(
        "setting", [{"fusion": PrivateNormalization()}, {"instance_statistics": False}]
    )
    def test_take_no_settings(self, networks, setting):
        with pytest.raises(ValueError, match="must be given to to_multimodal"):
            Translator(*networks, **setting)

    @pytest.mark.parametrize("kind", ["class", "pixel"])
    def test_mix_images_by_one_number_each(self, kind):
        modalities = {"depth": 1, "normal": 3}
        generator = to_multimodal(UNetGenerator(2, 2, 3, 0.0), modalities, ensemble=kind)
        with pytest.raises(ValueError, match=rf"ensemble=True\). Received: ensemble='{kind}'"):
            Translator(generator, None)
