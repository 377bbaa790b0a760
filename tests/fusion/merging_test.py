"""Aggregations: where the modalities become one stream, and what is merged how."""

import functools

import keras
import numpy as np
import pytest
from keras import layers

from keras_asym.fusion import (
    AsymmetricFusion,
    Averaging,
    ChannelExchanging,
    Combined,
    Concatenation,
    FusionStrategy,
    GatedFusion,
    GraphEdits,
    MultiModalFusion,
    UnsharedNetworks,
    select_modalities,
    to_multimodal,
)
from keras_asym.layers import AddToModalities, AverageModalities, CropLike, ResizeLike
from keras_asym.models import Segmenter, Translator
from keras_asym.networks import PatchDiscriminator, RefineNet, UNetGenerator
from keras_asym.testing import check_strategy
from tests.fusion.examples import bottlenecks
from tests.helpers import (
    EAGER,
    LONG_ON_JAX,
    arrays,
    images,
    randomize,
    randomize_norms,
    short_networks,
)

PAIR = {"rgb": 3, "depth": 3}
SMALL = {"width": 4, "dropout": 0.0}
ALL = [Averaging(), Concatenation(), GatedFusion(), MultiModalFusion(**SMALL)]
BY_NAME = {"ids": lambda value: type(value).__name__}


@functools.cache
def refinenet():
    with short_networks():
        return randomize_norms(RefineNet("resnet18", 5, "light", (8, 8, 8, 8), 8, dropout=0.0))


def merged_at(model):
    return [x.name.removesuffix("_merge") for x in model.layers if isinstance(x, AverageModalities)]


@pytest.mark.parametrize(
    ("stage", "places"),
    [("early", [0]), ("middle", [1, 0]), ("late", [3, 2, 1, 0])],
)
def test_everything_that_leaves_the_encoder_is_merged(stage, places):
    """RefineNet takes features of all stages: those in front of the merge are merged, too."""
    model = to_multimodal(refinenet(), PAIR, Averaging(stage))
    assert sorted(merged_at(model)) == sorted(f"stack{n}_block0_out" for n in places)


def test_features_are_fed_back_at_all_stages():
    model = to_multimodal(refinenet(), PAIR, Averaging("all"))
    added = [x.name for x in model.layers if isinstance(x, AddToModalities)]
    assert added == ["stack0_block0_out_fused", "stack1_block0_out_fused"]


def test_private_norms_stand_in_front_of_the_merge_only():
    model = to_multimodal(bottlenecks(), PAIR, Averaging(sites="^stack0_block1_out$"))
    rows = {
        name: model.get_layer(name).gamma.shape[0] for name in ("stem_bn", "stack1_block0_1_bn")
    }
    assert rows == {"stem_bn": 2, "stack1_block0_1_bn": 1}


def test_a_residual_block_is_merged_on_both_ways_around_a_norm():
    model = to_multimodal(bottlenecks(), PAIR, Averaging(sites="^stack0_block1_3_bn$"))
    assert sorted(merged_at(model)) == ["stack0_block0_out", "stack0_block1_3_bn"]


def test_every_output_is_merged():
    network = bottlenecks(outputs=2)
    model = to_multimodal(network, PAIR, Averaging(sites="^stack1_block1_out$"))
    x = images(2, 16, 16, 3)
    for y, expected in zip(model({"rgb": x, "depth": x})["ensemble"], network(x), strict=True):
        np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize("fusion", ALL, **BY_NAME)
def test_tokens_are_merged_where_no_image_is_needed(fusion):
    inputs = keras.Input((8, 8, 3))
    x = layers.Reshape((64, 12))(layers.Conv2D(12, 1)(inputs))
    for block in range(3):
        x = layers.LayerNormalization(name=f"norm{block}")(x)
        x = layers.Dense(12, activation="relu", name=f"dense{block}")(x)
    network = keras.Model(inputs, x)
    x = images(2, 8, 8, 3)
    if isinstance(fusion, GatedFusion | MultiModalFusion):  # they convolve images
        with pytest.raises(ValueError, match=r"must merge where features are images.*\(None"):
            to_multimodal(network, PAIR, fusion)
    else:
        y = to_multimodal(network, PAIR, fusion)({"rgb": x, "depth": x})
        assert y["ensemble"].shape == (2, 64, 12)


def test_what_only_gives_its_size_is_merged_without_weights():
    """As where a network resizes or crops its logits to the image."""
    inputs = keras.Input((None, None, 3))
    x = layers.BatchNormalization(name="bn")(layers.Conv2D(4, 3, 2, padding="same")(inputs))
    x = CropLike()([ResizeLike()([layers.Conv2D(2, 1)(x), inputs]), inputs])
    model = to_multimodal(keras.Model(inputs, x), PAIR, Concatenation(sites="^bn$"))
    assert sum(layer.name.endswith("_concat") for layer in model.layers) == 1
    sizes = {name: images(2, 9, 7, 3) for name in PAIR}
    assert model(sizes)["ensemble"].shape == (2, 9, 7, 2)


@pytest.mark.parametrize("fusion", [ChannelExchanging(), AsymmetricFusion()], **BY_NAME)
def test_sites_behind_the_merge(fusion):
    early = Averaging(sites="^stack0_block0_out$")
    with pytest.raises(
        ValueError, match=r"cannot edit 'stack.*one stream there, behind .*stack0_b"
    ):
        to_multimodal(bottlenecks(), PAIR, Combined([early, fusion]))


@LONG_ON_JAX
def test_exchange_in_front_of_the_merge():
    fusion = Combined([ChannelExchanging(sites="stack0_.*_2_bn"), Averaging("late")])
    check_strategy(fusion, bottlenecks(blocks=(1, 1)), modalities=(2,))


def test_an_encoder_for_each_modality_and_one_decoder():
    fusion = Combined([UnsharedNetworks(), Averaging("late")])
    network = refinenet()
    model = to_multimodal(network, PAIR, fusion)
    encoder = sum(x.count_params() for x in network.layers if not x.name.startswith(("ref", "cla")))
    assert model.count_params() == network.count_params() + encoder


def test_selection_leaves_the_one_stream_as_it_is():
    model = randomize(to_multimodal(bottlenecks(), PAIR, Concatenation("early")))
    x = {name: images(2, 16, 16, 3, seed=i) for i, name in enumerate(PAIR)}
    presence = np.array([[False, True]] * 2)
    y = select_modalities(model, ["depth"])({"depth": x["depth"]})
    np.testing.assert_allclose(y["ensemble"], model(x, presence=presence)["ensemble"], atol=1e-5)


def test_statistics_of_the_one_stream_are_of_examples_that_have_a_modality():
    network, fusion = bottlenecks(), Averaging(sites="^stem_bn$")
    model = to_multimodal(network, PAIR, fusion)
    x = {name: images(3, 16, 16, 3, seed=i) for i, name in enumerate(PAIR)}
    presence = np.array([[True, True], [False, True], [False, False]])
    model(x, presence=presence, training=True)
    other = to_multimodal(network, PAIR, fusion)
    other({k: v[:2] for k, v in x.items()}, presence=presence[:2], training=True)
    for name in ("stem_bn", "stack0_block0_1_bn"):
        np.testing.assert_allclose(
            model.get_layer(name).moving_mean, other.get_layer(name).moving_mean, atol=1e-5
        )


@LONG_ON_JAX
def test_a_segmenter_trains_and_has_one_output():
    model = Segmenter(refinenet(), PAIR, Concatenation())
    assert model.output_keys == model.loss_keys == ("ensemble",)
    model.compile("sgd", run_eagerly=EAGER)
    x = {name: images(2, 32, 32, 3, seed=i) for i, name in enumerate(PAIR)}
    before = arrays(model.trainable_variables)
    history = model.fit(x, np.zeros((2, 32, 32), "int32"), verbose=0).history
    assert "ensemble_mean_iou" in " ".join(history)
    assert all(
        (a != b).any() for a, b in zip(before, arrays(model.trainable_variables), strict=True)
    )
    part = model.select(["depth"])
    assert list(part.predict({"depth": x["depth"]}, verbose=0)) == ["ensemble"]


@LONG_ON_JAX
def test_a_translator_trains_and_has_one_output():
    generator = UNetGenerator(4, 4, dropout=0.0)
    model = Translator(generator, PatchDiscriminator(4), PAIR, Concatenation("middle"))
    model.compile(
        *(keras.optimizers.Adam(1e-3, name=name) for name in ("g", "d")), run_eagerly=EAGER
    )
    x = {name: images(2, 32, 32, 3, seed=i) for i, name in enumerate(PAIR)}
    before = arrays(model.generator.trainable_variables)
    history = model.fit(x, images(2, 32, 32, 3, seed=5), verbose=0).history
    assert np.isfinite(history["adversarial_loss"]).all()
    after = arrays(model.generator.trainable_variables)
    assert sum((a != b).any() for a, b in zip(before, after, strict=True)) > 0.9 * len(after)
    assert list(model(x)) == ["ensemble"]
    assert list(model.select(["rgb"])({"rgb": x["rgb"]})) == ["ensemble"]


class Elsewhere(FusionStrategy):
    """The user's own: merges with the largest at a site, and names nothing else."""

    def edits(self, network, modalities):
        def merge(x, name):
            parts = layers.Reshape((modalities, -1), name=name)
            return parts(x)

        return GraphEdits(merge={"no_such_layer": merge})


def test_a_merge_of_a_layer_that_is_not_there():
    with pytest.raises(ValueError, match=r"`GraphEdits.merge` must name layers.*no_such_layer"):
        to_multimodal(bottlenecks(), PAIR, Elsewhere())


@pytest.mark.parametrize("kind", [Averaging, Concatenation, GatedFusion, MultiModalFusion])
def test_arguments(kind):
    with pytest.raises(ValueError, match=r"`stage` must be one of .* Received: stage='first'"):
        kind("first")
    with pytest.raises(ValueError, match="`sites` must match the name of at least one layer"):
        to_multimodal(bottlenecks(), PAIR, kind(sites="nowhere"))
