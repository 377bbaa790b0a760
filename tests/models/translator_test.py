import keras
import numpy as np
import pytest

from keras_asym.fusion import AsymmetricFusion, ChannelExchanging, PrivateNormalization
from keras_asym.models import Translator
from keras_asym.networks import PatchDiscriminator, UNetGenerator
from tests.helpers import arrays, images
from tests.models.tiny_translator import CHANNELS, adam, batch, tiny_translator

EXCHANGE = ChannelExchanging(threshold=1e-2, l1=1e-3, sites=r"down\d+_norm$")
SLOW = pytest.mark.slow
SHUFFLE = AsymmetricFusion(sites=r"down2_conv$", shift_source="output")


@pytest.mark.parametrize(
    ("count", "fusion"), [(1, EXCHANGE), (2, SHUFFLE), (3, PrivateNormalization()), (4, EXCHANGE)]
)
def test_outputs(count, fusion):
    model = tiny_translator(count, fusion)
    x, _ = batch(count)
    outputs = model(x)
    assert list(outputs) == [*list(CHANNELS)[:count], "ensemble"]
    assert all(y.shape == (4, 24, 32, 3) for y in outputs.values())
    alpha = np.exp(np.array(model.generator.get_layer("ensemble").alpha))
    mix = sum(a * np.array(y) for a, y in zip(alpha / alpha.sum(), outputs.values(), strict=False))
    np.testing.assert_allclose(outputs["ensemble"], mix, atol=1e-6)


def test_other_modalities_matter_only_with_fusion():
    x, _ = batch()
    other = {**x, "normal": -x["normal"]}
    for fusion, expected in ((EXCHANGE, True), (SHUFFLE, True), (None, False)):
        model = tiny_translator(fusion=fusion)
        difference = np.abs(np.array(model(x)["depth"]) - np.array(model(other)["depth"])).max()
        assert (difference > 1e-4) == expected


@pytest.mark.parametrize("count", [1, 3])
def test_losses_by_the_formula(count):
    model = tiny_translator(count, EXCHANGE)
    x, y = batch(count, size=2)
    outputs = model(x)
    names = model.modality_names

    def decision(name, candidate):
        inputs = {**x, "candidate": np.repeat(candidate, count, axis=0)}
        logits = arrays(model.discriminator(inputs))[0].astype("float64")
        logits = logits.reshape(2, count, -1)[:, names.index(name)]
        return 1 / (1 + np.exp(-logits))

    real = sum(-np.log(decision(n, y)).mean(-1) for n in names)
    fake = sum(-np.log(1 - decision(n, np.array(outputs[n]))).mean(-1) for n in names)
    fooled = sum(-np.log(decision(n, np.array(outputs[n]))).mean(-1) for n in names)
    keys = names if count == 1 else (*names, "ensemble")
    errors = sum(np.abs(np.array(outputs[key]) - y).mean((1, 2, 3)) for key in keys)
    gamma = [
        np.array(layer.layer.gamma) for layer in model.generator.layers if "exch" in layer.name
    ]
    if count == 1:
        sparsity = 0.0
    else:
        cuts = [[m * g.shape[1] // count for m in range(count + 1)] for g in gamma]
        sparsity = 1e-3 * sum(
            np.abs(g[m, cut[m] : cut[m + 1]]).sum()
            for g, cut in zip(gamma, cuts, strict=True)
            for m in range(count)
        )

    terms = model.losses_for("discriminator", x, y, outputs)
    assert list(terms) == ["discriminator_loss"]
    np.testing.assert_allclose(terms["discriminator_loss"], (real + fake) / 2, rtol=1e-5)
    terms = model.losses_for("generator", x, y, outputs)
    np.testing.assert_allclose(terms["adversarial_loss"], fooled, rtol=1e-5)
    np.testing.assert_allclose(terms["reconstruction_loss"], 100 * errors, rtol=1e-5)
    np.testing.assert_allclose(terms["sparsity_loss"], np.full(2, sparsity), rtol=1e-5, atol=1e-9)


def test_discriminator_learns_first_and_only_from_its_loss():
    """One step worked out from `losses_for` alone, with plain gradient descent."""
    model, x_and_y = tiny_translator(fusion=EXCHANGE), batch()
    twin = tiny_translator(fusion=EXCHANGE)
    rate = 1e-2
    model.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(rate), jit_compile=False)
    model.train_on_batch(*x_and_y)
    for player in ("discriminator", "generator"):
        _descend(twin, player, *x_and_y, rate)
    for a, b in zip(model.trainable_variables, twin.trainable_variables, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6, err_msg=a.path)


def _descend(model, player, x, y, rate):
    """One step of gradient descent of one player."""
    variables = getattr(model, player).trainable_variables

    def loss():
        terms = model.losses_for(player, x, y, model(x, training=True))
        return keras.ops.mean(sum(terms.values()))

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss()
        gradients = tape.gradient(value, [v.value for v in variables])
    else:
        import jax

        def pure(values):
            mapping = list(zip(variables, values, strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                return loss()

        gradients = jax.grad(pure)([v.value for v in variables])
    for variable, gradient in zip(variables, gradients, strict=True):
        variable.assign_sub(rate * gradient)


@pytest.mark.parametrize("count", [2, pytest.param(1, marks=SLOW), pytest.param(4, marks=SLOW)])
def test_fit_lowers_the_error(count):
    model = tiny_translator(count, EXCHANGE, dropout=0.2)
    model.compile(adam(), adam(1e-3), jit_compile=False)
    x, _ = batch(count)
    y = np.repeat(x["depth"], 3, axis=-1)
    history = model.fit(x, y, batch_size=2, epochs=6, verbose=0, validation_data=(x, y)).history
    assert history["ensemble_mae"][-1] < 0.9 * history["ensemble_mae"][0]
    terms = [f"{name}_loss" for name in ("discriminator", "adversarial", "reconstruction")]
    outputs = [f"{key}_mae" for key in model.output_keys]
    expected = {"loss", *terms, "sparsity_loss", *outputs}
    assert set(history) == expected | {f"val_{name}" for name in expected}
    total = sum(np.array(history[name]) for name in (*terms, "sparsity_loss"))
    np.testing.assert_allclose(history["loss"], total, rtol=1e-5)


def test_evaluation_counts_each_example_by_its_weight():
    model, (x, y) = tiny_translator(fusion=EXCHANGE), batch(size=4)
    model.compile(adam(), adam(), jit_compile=False)
    junk = {name: np.concatenate([image, image[:1] * 9]) for name, image in x.items()}
    weight = np.array([1, 1, 1, 1, 0], "float32")
    padded = model.evaluate(
        junk, np.concatenate([y, y[:1]]), 5, sample_weight=weight, verbose=0, return_dict=True
    )
    plain = model.evaluate(x, y, batch_size=2, verbose=0, return_dict=True)
    for name, value in plain.items():
        np.testing.assert_allclose(padded[name], value, rtol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_dropout_differs_from_step_to_step(jit_compile):
    model = tiny_translator(1, dropout=0.5, depth=2)
    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), jit_compile=jit_compile)
    losses = []
    for _ in range(3):
        model.reset_metrics()
        losses.append(model.train_on_batch(*batch(1), return_dict=True)["reconstruction_loss"])
    assert len({float(value) for value in losses}) == 3


def test_switches_of_the_test_time():
    x, _ = batch()
    model = tiny_translator(dropout=0.5, dropout_at_test=True)
    first, second = (model.predict(x, verbose=0)["ensemble"] for _ in range(2))
    assert (first != second).any()
    model.dropout_at_test = False
    first, second = (model.predict(x, verbose=0)["ensemble"] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not model.dropout_at_test
    own = {name: image[:1] for name, image in x.items()}
    np.testing.assert_allclose(model(own)["ensemble"], model(x)["ensemble"][:1], atol=1e-5)
    averages = tiny_translator(instance_statistics=False)
    names = [v.name for v in averages.generator.non_trainable_variables]
    assert "moving_mean" in names
    assert (np.array(averages(x)["depth"]) != np.array(model(x)["depth"])).any()


def test_select_shares_the_weights():
    model = tiny_translator(3, EXCHANGE)
    x, _ = batch(3)
    part = model.select(["normal"])
    assert part.output_keys == ("normal", "ensemble")
    before = np.array(part(x)["normal"])
    model.generator.get_layer("up3_conv").bias.assign(np.full(3, 0.3))
    assert (np.array(part(x)["normal"]) != before).any()
    with pytest.raises(ValueError, match="without a discriminator cannot be trained"):
        part.compile(adam(), adam())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x.pop("normal"), "must be a dictionary with the modalities"),
        (lambda x: x.update(normal=x["normal"][..., :2]), "'normal' must have the shape"),
        (lambda x: x.update(normal=x["normal"][:, :16]), "must have one height and width"),
        (
            lambda x: x.update({name: image[:, :20] for name, image in x.items()}),
            "multiples of the generator's stride",
        ),
    ],
)
def test_wrong_inputs(change, message):
    x, _ = batch()
    change(x)
    with pytest.raises(ValueError, match=message):
        tiny_translator()(x)


def test_wrong_networks():
    generator, discriminator = UNetGenerator(2, 3), PatchDiscriminator(2, 3)
    with pytest.raises(ValueError, match="`modalities` must be given"):
        Translator(generator, discriminator)
    with pytest.raises(ValueError, match="more input channels than the candidate's 3"):
        Translator(generator, discriminator, {"depth": 1})
    with pytest.raises(ValueError, match="must have different names"):
        inputs = keras.Input((None, None, 6))
        judge = keras.Model(inputs, keras.layers.Conv2D(1, 3, name="down1_conv")(inputs))
        Translator(generator, judge, {"depth": 1}).compile(adam(), adam())


def test_a_list_of_modalities_has_the_generators_channels():
    model = Translator(UNetGenerator(2, 3), PatchDiscriminator(2), ["shade", "texture"])
    outputs = model({name: images(1, 24, 24, 3) for name in ("shade", "texture")})
    assert outputs["texture"].shape == (1, 24, 24, 3)
