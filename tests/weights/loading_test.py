import functools

import keras
import numpy as np
import pytest
from keras import ops

from keras_asym.fusion import AsymmetricFusion, ChannelExchanging, to_multimodal
from keras_asym.models import Segmenter
from keras_asym.networks import RefineNet
from keras_asym.weights import load_reference_checkpoint, load_reference_state_dict
from keras_asym.weights.names import locate
from tests.helpers import distance, run
from tests.weights.published import reference_shapes, reference_state_dict

WIDTHS = (8, 8, 8, 8)
MODALITIES = ["rgb", "depth", "normal"]


def state_dict(modalities=2, classes=5):
    return reference_state_dict(modalities, depth=18, classes=classes, widths=WIDTHS)


@functools.cache
def network():
    """Of which each model is made with weights of its own."""
    return RefineNet("resnet18", 5, "full", WIDTHS, input_shape=(32, 32, 3))


def segmenter(modalities=2, fusion=None):
    return Segmenter(network(), dict.fromkeys(MODALITIES[:modalities], 3), fusion)


@pytest.fixture(scope="module")
def model():
    return segmenter(2, ChannelExchanging())


def randomized(model):
    """Overwrites every weight, so that what a test before it has loaded is gone."""
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.5, 1, w.shape) for w in model.get_weights()])
    return model.get_weights()


def assert_unchanged(model, before):
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_names_and_shapes_are_those_of_the_published_checkpoints():
    shapes = reference_shapes()
    assert len(shapes) == 672
    trained = [s for name, s in shapes.items() if not name.endswith(("mean", "var", "tracked"))]
    assert sum(int(np.prod(shape)) for shape in trained) == 99157226


def test_every_published_name_has_a_place_of_its_own():
    names = [name for name in reference_shapes(3) if not name.endswith("tracked")]
    places = [locate(name) for name in names]
    assert None not in places and len(set(places)) == len(names)


@pytest.mark.parametrize("name", ["fc.weight", "layer1.0.conv1", "layer1.0.conv1.foo", "x", ""])
def test_unknown_names_have_no_place(name):
    place = locate(name)
    assert place is None or place[1] is None


class TestLoads:
    @pytest.mark.parametrize("prefix", ["", "module."])
    def test_every_weight(self, prefix, model):
        state = state_dict()
        randomized(model)
        load_reference_state_dict(model, {prefix + name: x for name, x in state.items()})
        layers = {layer.name: layer for layer in model.network.layers}
        kernel = layers["stack1_block0_2_conv"].kernel
        expected = state["layer2.0.conv2.module.weight"].transpose(2, 3, 1, 0)
        np.testing.assert_array_equal(ops.convert_to_numpy(kernel), expected)
        norm = layers["stack1_block0_2_bn_exchange"].layer
        for ours, theirs in (
            ("gamma", "weight"),
            ("beta", "bias"),
            ("moving_mean", "running_mean"),
            ("moving_variance", "running_var"),
        ):
            rows = [state[f"layer2.0.bn2.bn_{m}.{theirs}"] for m in range(2)]
            np.testing.assert_array_equal(ops.convert_to_numpy(getattr(norm, ours)), rows)
        np.testing.assert_array_equal(
            ops.convert_to_numpy(layers["refine4_adapt_unit1_1_conv"].bias),
            state["adapt_stage1_b.0.2_conv.module.bias"],
        )
        np.testing.assert_array_equal(
            ops.convert_to_numpy(layers["ensemble"].alpha), state["alpha"]
        )
        total = sum(float(np.sum(x, dtype="float64")) for x in state.values())
        found = sum(float(np.sum(w, dtype="float64")) for w in model.network.get_weights())
        assert found == pytest.approx(total, rel=1e-9)

    def test_integers_and_bfloat16(self, model):
        import ml_dtypes

        state = state_dict()
        state["bn1.bn_0.weight"] = np.arange(64)
        state["bn1.bn_1.weight"] = np.ones(64, ml_dtypes.bfloat16)
        state["bn1.bn_0.num_batches_tracked"] = np.array(np.nan)  # not used
        randomized(model)
        load_reference_state_dict(model, state)
        gamma = ops.convert_to_numpy(model.network.get_layer("conv1_bn").gamma)
        np.testing.assert_array_equal(gamma, [np.arange(64), np.ones(64)])

    def test_three_modalities(self):
        model = segmenter(3, AsymmetricFusion())
        state = state_dict(3)
        load_reference_state_dict(model, state)
        beta = ops.convert_to_numpy(model.network.get_layer("conv1_bn").beta)
        np.testing.assert_array_equal(beta, [state[f"bn1.bn_{m}.bias"] for m in range(3)])

    def test_one_modality_into_the_plain_network_too(self):
        state = state_dict(1)
        alone = segmenter(1)
        load_reference_state_dict(alone, state)
        plain = network()
        state.pop("alpha")
        load_reference_state_dict(plain, state)
        x = np.ones((1, 32, 32, 3), "float32")
        assert distance(run(plain, x), run(alone.network, {"rgb": x})["rgb"]) < 1e-6

    def test_model_made_by_to_multimodal(self, model):
        bare = to_multimodal(network(), {"rgb": 3, "depth": 3}, ChannelExchanging(), ensemble=True)
        load_reference_state_dict(bare, state_dict())
        load_reference_state_dict(model, state_dict())
        for a, b in zip(bare.get_weights(), model.network.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)

    def test_checkpoint_file(self, model, tmp_path):
        randomized(model)
        np.savez(tmp_path / "a.npz", **{"module." + k: v for k, v in state_dict().items()})
        load_reference_checkpoint(model, tmp_path / "a.npz")
        np.testing.assert_array_equal(
            ops.convert_to_numpy(model.network.get_layer("ensemble").alpha), state_dict()["alpha"]
        )

    def test_torch_checkpoint_of_a_training_run(self, model, tmp_path):
        torch = pytest.importorskip("torch")
        randomized(model)
        state = {f"module.{k}": torch.from_numpy(v) for k, v in state_dict().items()}
        torch.save({"segmenter": state, "epoch_start": 3}, tmp_path / "a.pth.tar")
        load_reference_checkpoint(model, tmp_path / "a.pth.tar")
        np.testing.assert_array_equal(
            ops.convert_to_numpy(model.network.get_layer("ensemble").alpha), state_dict()["alpha"]
        )


class TestRefuses:
    """Each error lists what does not fit, and leaves the model as it was."""

    def refused(self, model, state, *parts):
        before = randomized(model)
        with pytest.raises(ValueError, match="does not fit the model 'segmenter'") as error:
            load_reference_state_dict(model, state)
        for part in parts:
            assert part in str(error.value)
        assert_unchanged(model, before)
        return str(error.value)

    def test_missing_unexpected_and_wrongly_shaped(self, model):
        state = state_dict()
        del state["clf_conv.module.bias"]
        del state["bn1.bn_1.running_mean"]
        state["extra.weight"] = np.zeros((3, 2))
        state["layer1.0.conv1.module.weight"] = np.zeros((64, 64, 1, 1))
        text = self.refused(
            model,
            state,
            "5 problems",
            "missing: classifier/bias (5,)",
            "missing: conv1_bn/moving_mean (2, 64) of modalities [1]",
            "unexpected: extra.weight (3, 2)",
            "layer1.0.conv1.module.weight (64, 64, 1, 1)",
            "missing: stack0_block0_1_conv/kernel",
        )
        assert len(text.splitlines()) == 6

    def test_entries_that_are_no_finite_numbers(self, model):
        state = state_dict()
        nan, large = state["bn1.bn_0.weight"].copy(), np.ones(64)
        nan[3], large[:2] = np.nan, 1e300
        entries = {
            "bn1.bn_0.weight": (nan, "has NaN or infinity in 1 of its 64 values"),
            "bn1.bn_1.weight": (large, "has NaN or infinity in 2 of its 64 values"),
            "bn1.bn_0.bias": (np.full(64, -np.inf), "has NaN or infinity in 64 of"),
            "bn1.bn_1.bias": (np.ones(64, "complex64"), "has dtype complex64, and must be real"),
            "bn1.bn_0.running_mean": (np.full(64, "x"), "has dtype <U1"),
            "bn1.bn_1.running_mean": (np.zeros(64, "V2"), "has dtype |V2 (NumPy's files lose bfl"),
            "bn1.bn_0.running_var": (np.full(64, None), "has dtype object"),
            "bn1.bn_1.running_var": (np.full(64, b"x"), "has dtype |S1"),
            "clf_conv.module.bias": ([[1], [1, 2]], "cannot be made an array (ValueError"),
        }
        state.update({name: entry for name, (entry, _) in entries.items()})
        parts = [f"not usable: {name} {part}" for name, (_, part) in entries.items()]
        self.refused(model, state, *parts)

    def test_two_entries_for_one_weight(self, model):
        state = state_dict()
        state["bn1.weight"] = state["bn1.bn_0.weight"]  # of every modality
        state["conv1.weight"] = state["conv1.module.weight"]
        self.refused(
            model,
            state,
            "twice: bn1.weight for conv1_bn/gamma",
            "twice: conv1.weight for conv1_conv/kernel",
        )
        before = randomized(model)
        with pytest.raises(ValueError, match="Received: 'alpha' with and without the prefix"):
            load_reference_state_dict(model, {**state_dict(), "module.alpha": np.ones(2)})
        assert_unchanged(model, before)

    @pytest.mark.parametrize("state", [[np.ones(3)], None, {3: np.ones(3)}])
    def test_what_is_no_state_dict(self, state, model):
        with pytest.raises(
            ValueError, match=r"`state_dict` must .*Received: (list|None|the key 3)"
        ):
            load_reference_state_dict(model, state)

    def test_a_long_list_is_shortened(self, model):
        text = self.refused(model, {}, "... and ")
        assert len(text.splitlines()) < 25

    def test_other_number_of_modalities(self, model):
        self.refused(model, state_dict(1), "conv1_bn/gamma (2, 64) of modalities [1]", "alpha (1,)")
        more = "unexpected: bn1.bn_2.weight (64,), as the model's number of modalities is 2"
        self.refused(model, state_dict(3), more)
        plain = network()
        with pytest.raises(ValueError, match="number of modalities is 1"):
            load_reference_state_dict(plain, state_dict(2))

    def test_other_number_of_classes(self, model):
        self.refused(
            model, state_dict(classes=7), "clf_conv.module.weight (7, 8, 3, 3)", "classifier/kernel"
        )

    def test_other_backbone(self, model):
        other = reference_state_dict(2, depth=50, classes=5, widths=WIDTHS)
        self.refused(model, other, "layer1.0.conv3.module.weight", "check backbone")

    def test_decoder_without_residual_units(self):
        light = RefineNet("resnet18", 5, "light", WIDTHS)
        model = Segmenter(light, {"rgb": 3, "depth": 3})
        self.refused(model, state_dict(), "unexpected: adapt_stage1_b.0.1_conv.module.weight")

    def test_modality_with_a_projection_of_its_own(self):
        model = Segmenter(network(), {"rgb": 3, "depth": 4})
        self.refused(model, state_dict(), "missing: depth_projection/kernel")


def test_the_model_of_another_kind():
    dense = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="unexpected"):
        load_reference_state_dict(dense, state_dict())
