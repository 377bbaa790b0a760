import numpy as np
import pytest

from keras_asym.fusion import ChannelExchanging
from keras_asym.models import Translator
from keras_asym.networks import PatchDiscriminator, UNetGenerator
from keras_asym.weights import load_reference_checkpoint, load_reference_state_dict
from tests.fusion.examples import LARGE
from tests.weights.published import translator_shapes, translator_state_dict

pytestmark = LARGE

EXCHANGE = ChannelExchanging(threshold=1e-2, l1=1e-3, sites=r"down\d+_norm$")


def translator(modalities=2, depth=4, **kwargs):
    names = ["shade", "texture", "depth"][:modalities]
    return Translator(UNetGenerator(2, depth), PatchDiscriminator(2), names, EXCHANGE, **kwargs)


def state_dict(modalities=2, depth=4):
    return translator_state_dict(modalities, filters=2, depth=depth)


def test_names_are_those_of_the_published_program():
    shapes = translator_shapes()
    assert len(shapes) == 1 + 16 * (2 + 2 * 5) + 5 * (2 + 5)
    assert shapes["generator.deconv2.deconv.module.weight"] == (128, 64, 4, 4)
    assert shapes["generator.conv8.insnorm_conv.insnorm_1.running_var"] == (64,)
    assert shapes["discriminator.conv5.conv.module.weight"] == (1, 64, 4, 4)


@pytest.mark.parametrize("modalities", [1, 2, 3])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_every_array_goes_where_it_belongs(modalities, prefix):
    state = state_dict(modalities)
    model = translator(modalities)
    load_reference_state_dict(model, {prefix + name: x for name, x in state.items()})
    kernel = model.generator.get_layer("up2_conv").kernel
    published = state["generator.deconv2.deconv.module.weight"]  # (in, out, height, width)
    np.testing.assert_array_equal(kernel, published.transpose(2, 3, 1, 0))
    norm = model.generator.get_layer("up2_norm")
    for m in range(modalities):
        name = f"generator.deconv2.insnorm_deconv.insnorm_{m}"
        np.testing.assert_array_equal(norm.gamma[m], state[f"{name}.weight"])
        np.testing.assert_array_equal(norm.beta[m], state[f"{name}.bias"])
    judge = model.discriminator.get_layer("patch_discriminator")
    gamma = judge.get_layer("patch3_norm").gamma
    np.testing.assert_array_equal(gamma, state["discriminator.conv3.insnorm.module.weight"])
    if modalities > 1:
        alpha = model.generator.get_layer("ensemble").alpha
        np.testing.assert_array_equal(alpha, state["generator.alpha"])


def test_moving_averages_are_read_where_they_are_kept():
    state = state_dict()
    model = translator(instance_statistics=False)
    load_reference_state_dict(model, state)
    moving = model.generator.get_layer("up2_norm").moving_variance
    name = "generator.deconv2.insnorm_deconv.insnorm_1.running_var"
    np.testing.assert_array_equal(moving[1], state[name])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("generator.conv2.conv.module.bias"), "missing: down2_conv/bias"),
        (lambda s: s.pop("discriminator.conv2.conv.module.bias"), "missing: .*patch2_conv/bias"),
        (
            lambda s: s.pop("generator.conv2.insnorm_conv.insnorm_1.weight"),
            r"missing: .*down2_norm.*gamma.* of modalities \[1\]",
        ),
        (lambda s: s.update({"generator.foo.weight": np.ones(2)}), "unexpected: generator.foo"),
        (
            lambda s: s.update({"generator.conv2.conv.module.weight": np.ones((2, 2, 4, 4))}),
            r"wrong shape: generator.conv2.conv.module.weight \(2, 2, 4, 4\)",
        ),
        (
            lambda s: s.update({"generator.conv9.insnorm_conv.insnorm_0.weight": np.ones(2)}),
            "unexpected: generator.conv9",
        ),
    ],
)
def test_what_does_not_fit_is_listed_and_nothing_is_written(change, message):
    state, model = state_dict(), translator()
    change(state)
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        load_reference_state_dict(model, state)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_number_of_blocks_is_noticed():
    with pytest.raises(ValueError, match=r"unexpected: generator\.conv4"):
        load_reference_state_dict(translator(depth=3), state_dict(depth=4))


def test_checkpoint_file(tmp_path):
    np.savez(tmp_path / "model.npz", **state_dict())
    model = translator()
    load_reference_checkpoint(model, tmp_path / "model.npz")
    bias = state_dict()["generator.conv1.conv.module.bias"]
    np.testing.assert_array_equal(model.generator.get_layer("down1_conv").bias, bias)
