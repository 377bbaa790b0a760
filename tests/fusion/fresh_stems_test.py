"""How images of another kind come to a network: the argument `stems`."""

import functools

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_asym.fusion import (
    ChannelExchanging,
    Combined,
    Concatenation,
    UnsharedNetworks,
    select_modalities,
    to_multimodal,
)
from keras_asym.layers import ModalityCopies, SurfaceNormals
from tests.fusion.examples import bottlenecks
from tests.helpers import arrays, images, run, tensors

CHANNELS = {"rgb": 3, "depth": 1, "radar": 1}


@functools.cache
def plain():
    return bottlenecks(4)


@functools.cache
def model(**stems):
    return to_multimodal(plain(), CHANNELS, ChannelExchanging(), stems=stems, check=True)


def inputs():
    return tensors({name: images(2, 8, 9, c, seed=c) for name, c in CHANNELS.items()})


def test_a_fresh_stem_is_of_this_modality_alone():
    made = model(depth="fresh")
    stem = made.get_layer("stem_conv")
    assert isinstance(stem, ModalityCopies)
    kernels = [ops.convert_to_numpy(copy.kernel) for copy in stem.copies]
    kernel = ops.convert_to_numpy(plain().get_layer("stem_conv").kernel)
    assert [np.array_equal(x, kernel) for x in kernels] == [True, False, True]
    assert 0.3 < kernels[1].std() / kernel.std() < 3
    assert [x.name for x in made.layers if isinstance(x, ModalityCopies)] == ["stem_conv"]


def test_without_stems_all_is_shared():
    assert not any(isinstance(x, ModalityCopies) for x in model().layers)


def test_others_see_what_they_saw():
    alone = [select_modalities(model(**x), ["rgb"]) for x in ({}, {"depth": "fresh"})]
    expected, found = (run(x, {"rgb": inputs()["rgb"]})["rgb"] for x in alone)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_one_modality_begins_anew():
    keras.utils.set_random_seed(1)  # not that of the network
    made = to_multimodal(plain(), {"depth": 1}, stems={"depth": "fresh"})
    kernel = plain().get_layer("stem_conv").kernel
    assert not np.array_equal(made.get_layer("stem_conv").kernel, kernel)


@pytest.mark.parametrize(
    "fusion", [Concatenation(), Combined([UnsharedNetworks(), Concatenation()])]
)
def test_with_merged_and_with_unshared_networks(fusion):
    made = to_multimodal(plain(), CHANNELS, fusion, stems={"radar": "fresh"})
    copies = made.get_layer("stem_conv").copies
    np.testing.assert_array_equal(copies[0].kernel, copies[1].kernel)
    assert not np.array_equal(copies[0].kernel, copies[2].kernel)


def test_normals_and_layers_of_ones_own(tmp_path):
    own = layers.Conv2D(3, 1, name="colours")
    made = model(depth="normals", radar=own)
    names = [x.name for x in made.layers]
    assert "depth_normals" in names and "depth_repeat" not in names and "colours" in names
    x = inputs()
    normals = SurfaceNormals()(x["depth"])
    by_hand = to_multimodal(plain(), dict.fromkeys(CHANNELS, 3), ChannelExchanging())
    expected = run(by_hand, {"rgb": x["rgb"], "depth": normals, "radar": own(x["radar"])})
    for value, wanted in zip(arrays(run(made, x)), arrays(expected), strict=True):
        np.testing.assert_allclose(value, wanted, atol=1e-5)
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    part, x = select_modalities(loaded, ["radar", "depth"]), {k: x[k] for k in ("depth", "radar")}
    expected = run(select_modalities(made, ["depth", "radar"]), x)
    for value, wanted in zip(arrays(run(part, x)), arrays(expected), strict=True):
        np.testing.assert_allclose(value, wanted, atol=1e-5)
    again = select_modalities(part, ["depth"])
    assert [x.name for x in again.layers if isinstance(x, SurfaceNormals)] == ["depth_normals"]


def test_normals_are_computed_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        made = to_multimodal(plain(), {"rgb": 3, "depth": 1}, stems={"depth": "normals"})
    finally:
        keras.config.set_dtype_policy("float32")
    assert made.get_layer("depth_normals").compute_dtype == "float32"


def attention():
    x = image = keras.Input((None, None, 3))
    x = layers.BatchNormalization()(layers.Dense(4)(x))
    return keras.Model(image, layers.Conv2D(2, 1)(x), name="dense_first")


@pytest.mark.parametrize(
    ("stems", "network", "message"),
    [
        ({"depth": "hha"}, bottlenecks, "must be one of .*'normals'.*'depth': 'hha'"),
        ({"thermal": "fresh"}, bottlenecks, r"some of the modalities \['rgb', 'depth', 'radar'\]"),
        ("fresh", bottlenecks, "`stems` must be a dictionary"),
        ({"depth": "fresh"}, attention, "does not begin with a Conv2D: 'dense_first'"),
    ],
)
def test_wrong_stems(stems, network, message):
    with pytest.raises(ValueError, match=message):
        to_multimodal(network(), CHANNELS, stems=stems)
