import cv2
import keras
import numpy as np
import pytest
from keras import ops

from keras_asym.fusion import (
    AsymmetricFusion,
    ChannelExchanging,
    PrivateNormalization,
    to_multimodal,
)
from keras_asym.losses import ValidPixelCrossentropy
from keras_asym.models import Segmenter
from keras_asym.networks import RefineNet
from tests.helpers import distance, gradients, images, short_networks
from tests.models.tiny import (
    CLASSES,
    VOID,
    batch,
    confusion,
    cross_entropy,
    figures,
    tiny_network,
    tiny_segmenter,
)

NAMES = ["rgb", "depth", "normal"]
FUSIONS = [PrivateNormalization(), ChannelExchanging(l1=0.1), AsymmetricFusion()]
BY_NAME = {"ids": lambda fusion: type(fusion).__name__}


def predictions(model, x):
    return {key: ops.convert_to_numpy(value) for key, value in model(x).items()}


def upsample(logits, size):
    """Half-pixel bilinear resizing in NumPy, one axis at a time."""
    for axis, target in zip((1, 2), size, strict=True):
        source = logits.shape[axis]
        at = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
        low = np.minimum(np.floor(at).astype(int), source - 1)
        high = np.minimum(low + 1, source - 1)
        part = (at - low).reshape((-1, 1, 1) if axis == 1 else (-1, 1))
        logits = logits.take(low, axis) * (1 - part) + logits.take(high, axis) * part
    return logits


class TestCall:
    @pytest.mark.parametrize("count", [1, 2, 3])
    @pytest.mark.parametrize("fusion", FUSIONS, **BY_NAME)
    def test_logits_by_name_at_the_size_of_the_input(self, count, fusion):
        model = tiny_segmenter(count, fusion)
        for height, width in ((8, 12), (9, 7)):  # one model, any size
            x, _ = batch(count, height=height, width=width)
            outputs = model(x)
            assert sorted(outputs) == sorted([*NAMES[:count], "ensemble"])
            low = model.network(x)
            for key in NAMES[:count]:
                assert outputs[key].shape == (4, height, width, CLASSES)
                expected = upsample(ops.convert_to_numpy(low[key]), (height, width))
                assert distance(outputs[key], expected) < 1e-6
            np.testing.assert_array_equal(outputs["ensemble"], model(x, training=False)["ensemble"])

    def test_ensemble_is_the_mix_of_the_branches(self):
        model = tiny_segmenter(3)
        x, _ = batch(3)
        outputs = model(x)
        alpha = ops.convert_to_numpy(model.network.get_layer("ensemble").alpha)
        weights = np.exp(alpha) / np.exp(alpha).sum()
        mix = sum(w * np.asarray(outputs[n]) for w, n in zip(weights, NAMES, strict=True))
        assert distance(outputs["ensemble"], mix) < 1e-6

    @pytest.mark.parametrize("kind", ["class", "pixel"])
    def test_weights_of_the_ensemble_by_class_or_pixel(self, kind):
        model = tiny_segmenter(3, ensemble=kind)
        x, _ = batch(3)
        outputs = model.network(x)
        mix = model.network.get_layer("ensemble")
        branches = ops.stack([outputs[name] for name in NAMES], axis=1)
        weights = mix.weights_of(inputs=ops.reshape(branches, (-1, *branches.shape[2:])))
        if kind == "class":
            weights = ops.reshape(weights, (1, 3, 1, 1, CLASSES))
        assert distance(outputs["ensemble"], ops.sum(weights * branches, axis=1)) < 1e-6
        assert distance(outputs["ensemble"], ops.mean(branches, axis=1)) > 0.01

    def test_with_one_modality_the_ensemble_is_the_branch(self):
        model = tiny_segmenter(1, ChannelExchanging())
        outputs = predictions(model, batch(1)[0])
        np.testing.assert_array_equal(outputs["ensemble"], outputs["rgb"])

    def test_more_keys_and_any_order_are_allowed(self):
        model = tiny_segmenter(2)
        x, _ = batch(2)
        shuffled = {"name": images(4, 1), "depth": x["depth"], "rgb": x["rgb"]}
        np.testing.assert_array_equal(model(shuffled)["depth"], model(x)["depth"])

    def test_bicubic_only_outside_training(self):
        bilinear = tiny_segmenter(2, freeze_statistics=True)
        bicubic = tiny_segmenter(2, freeze_statistics=True, evaluation_resize="bicubic")
        x, _ = batch(2)
        training = [ops.convert_to_numpy(m(x, training=True)["rgb"]) for m in (bilinear, bicubic)]
        np.testing.assert_array_equal(*training)
        other = bicubic(x)["rgb"]
        assert 1e-3 < distance(other, bilinear(x)["rgb"]) < 0.5
        low = ops.convert_to_numpy(bicubic.network(x)["rgb"])
        expected = [cv2.resize(one, (12, 8), interpolation=cv2.INTER_CUBIC) for one in low]
        assert distance(other, np.stack(expected)) < 1e-5

    def test_refinenet(self):
        with short_networks():
            network = RefineNet("resnet18", CLASSES, "light", (8, 8, 8, 8), backbone_width=8)
        model = Segmenter(network, {"rgb": 3, "depth": 1}, ChannelExchanging())
        sizes = {name: keras.KerasTensor((1, 41, 56, c)) for name, c in (("rgb", 3), ("depth", 1))}
        outputs = model(sizes)
        assert {x.shape for x in outputs.values()} == {(1, 41, 56, CLASSES)}


@pytest.mark.usefixtures("without_graphs")
class TestLoss:
    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_sum_of_the_outputs_over_the_valid_pixels_and_the_penalty_once(self, count):
        model = tiny_segmenter(count, ChannelExchanging(l1=0.1), freeze_statistics=True)
        model.compile(keras.optimizers.SGD(0.0))
        x, y = batch(count)
        logs = model.train_on_batch(x, y, return_dict=True)
        outputs = predictions(model, x)
        keys = NAMES[:count] + (["ensemble"] if count > 1 else [])
        losses = {key: cross_entropy(outputs[key], y) for key in keys}
        penalty = 0.0
        if count > 1:
            norm = model.network.get_layer("stack0_block0_2_bn_exchange").layer
            gamma = np.abs(ops.convert_to_numpy(norm.gamma))
            edges = [m * 8 // count for m in range(count + 1)]
            penalty = 0.1 * sum(gamma[m, edges[m] : edges[m + 1]].sum() for m in range(count))
            assert penalty > 0.05
            for key in keys:
                assert logs[f"{key}_loss"] == pytest.approx(losses[key], rel=1e-5)
        assert logs["loss"] == pytest.approx(sum(losses.values()) + penalty, rel=1e-5)

    def test_void_pixels_do_not_count(self):
        model = tiny_segmenter(2)
        model.compile("sgd")
        x, y = batch(2, void=0.5)
        before = model.test_on_batch(x, y, return_dict=True)
        assert before["loss"] == pytest.approx(
            sum(cross_entropy(p, y) for p in predictions(model, x).values()), rel=1e-5
        )

    @pytest.mark.parametrize("fusion", [PrivateNormalization(), ChannelExchanging()], **BY_NAME)
    def test_a_batch_of_void_pixels_alone(self, fusion):
        model = tiny_segmenter(2, fusion, freeze_statistics=True)
        model.compile(keras.optimizers.SGD(1.0))
        x, y = batch(2)
        weights = model.network.get_layer("classifier").get_weights()
        logs = model.train_on_batch(x, np.full_like(y, VOID), return_dict=True)
        assert logs["ensemble_loss"] == logs["rgb_loss"] == logs["depth_loss"] == 0
        assert np.isfinite(logs["loss"])
        for value in model.get_weights():
            assert np.isfinite(value).all()
        for now, then in zip(
            model.network.get_layer("classifier").get_weights(), weights, strict=True
        ):
            np.testing.assert_array_equal(now, then)

    def test_sample_weight(self):
        model = tiny_segmenter(2)
        model.compile("sgd")
        x, y = batch(2)
        weights = np.array([0.0, 1.0, 2.0, 0.5], "float32")
        outputs = predictions(model, x)
        logs = model.test_on_batch(x, y, sample_weight=weights, return_dict=True)
        expected = sum(cross_entropy(p, y, weights[:, None, None]) for p in outputs.values())
        assert logs["loss"] == pytest.approx(expected, rel=1e-5)
        matrix = confusion(y, outputs["rgb"].argmax(-1))  # every valid pixel counts once
        assert logs["rgb_pixel_accuracy"] == pytest.approx(figures(matrix)["pixel_accuracy"])

    def test_own_loss(self):
        class Zero(keras.losses.Loss):
            def call(self, y_true, y_pred):
                return 0.0 * ops.sum(y_pred, axis=(1, 2, 3)) + 2.0

        model = tiny_segmenter(2)
        model.compile("sgd", loss=Zero())
        assert model.test_on_batch(*batch(2), return_dict=True)["loss"] == pytest.approx(6.0)

    def test_more_metrics(self):
        model = tiny_segmenter(2)
        model.compile(
            "sgd", metrics={"ensemble": [keras.metrics.SparseCategoricalAccuracy(name="top")]}
        )
        logs = model.test_on_batch(*batch(2, void=0.0), return_dict=True)
        assert logs["ensemble_top"] == pytest.approx(logs["ensemble_pixel_accuracy"])

    def test_targets_by_output_are_refused(self):
        model = tiny_segmenter(2)
        model.compile("sgd")
        x, y = batch(2)
        with pytest.raises(ValueError, match="one mask"):
            model.test_on_batch(x, {"rgb": y, "depth": y})


class TestTraining:
    @pytest.mark.parametrize("count", [1, 2])
    def test_fit_learns_and_names_its_logs(self, count):
        model = tiny_segmenter(count, ChannelExchanging())
        model.compile(keras.optimizers.Adam(0.02))
        x, _ = batch(count)
        y = np.where(
            x["rgb"][..., 0] > 0, 1, np.where(x.get("depth", 0 * x["rgb"])[..., 0] > 0, 2, 0)
        )
        history = model.fit(
            x, y, batch_size=4, epochs=25, validation_data=(x, y), validation_freq=25, verbose=0
        ).history
        keys = [*NAMES[:count], "ensemble"]
        names = {f"{k}_{f}" for k in keys for f in ("pixel_accuracy", "mean_accuracy", "mean_iou")}
        names |= {"loss"} | ({f"{k}_loss" for k in keys} if count > 1 else set())
        assert set(history) == names | {f"val_{name}" for name in names}
        assert set(model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)) == names
        predicted = model.predict(x, batch_size=4, verbose=0)
        assert predicted["ensemble"].shape == (*y.shape, CLASSES)
        assert history["loss"][-1] < 0.6 * history["loss"][0]
        assert history["ensemble_mean_iou"][-1] > history["ensemble_mean_iou"][0] + 0.1

    def test_the_graph_of_a_step_is_built_once(self):
        calls = []

        class Counting(Segmenter):
            def train_step(self, *args):
                calls.append("train")
                return super().train_step(*args)

            def test_step(self, *args):
                calls.append("test")
                return super().test_step(*args)

        metrics = {"ensemble": ["accuracy"]}
        for name in ("train", "test"):
            model = Counting(tiny_network(), {"rgb": 3, "depth": 1})
            model.compile("sgd", metrics=metrics)
            for _ in range(2):
                getattr(model, f"{name}_on_batch")(*batch(2))
        assert calls == ["train", "test"]

    @pytest.mark.usefixtures("without_graphs")
    def test_figures_are_those_of_all_batches_together(self):
        model = tiny_segmenter(2)
        model.compile("sgd")
        x, y = batch(2, size=5)
        y[0] = 1  # classes unevenly spread: a mean over batches would differ
        outputs = predictions(model, x)
        for _ in range(2):  # a second evaluation starts from nothing
            logs = model.evaluate(x, y, batch_size=2, verbose=0, return_dict=True)
            for key, logits in outputs.items():
                for name, value in figures(confusion(y, logits.argmax(-1))).items():
                    assert logs[f"{key}_{name}"] == pytest.approx(value, rel=1e-6)

    def test_the_ensembles_loss_trains_alpha_alone(self):
        model = tiny_segmenter(2)
        x, y = batch(2)
        loss = ValidPixelCrossentropy()
        of_weights, _ = gradients(model, x, lambda outputs: loss(y, outputs["ensemble"]))
        assert [path for path, value in of_weights.items() if np.any(value)] == ["ensemble/alpha"]

    @pytest.mark.parametrize("frozen", [True, False])
    @pytest.mark.usefixtures("without_graphs")
    def test_freeze_statistics(self, frozen):
        model = tiny_segmenter(2, freeze_statistics=frozen)
        model.compile("sgd")
        norm = model.network.get_layer("conv1_bn")
        before = [ops.convert_to_numpy(v) for v in norm.weights]
        model.train_on_batch(*batch(2))
        same = [
            np.array_equal(b, ops.convert_to_numpy(v))
            for b, v in zip(before, norm.weights, strict=True)
        ]
        assert same == [False, False, frozen, frozen]  # gamma, beta, mean, variance

    @pytest.mark.parametrize(  # they hold what the first one does; layers of both run under XLA
        "fusion", [FUSIONS[1], pytest.param(FUSIONS[2], marks=pytest.mark.slow)], **BY_NAME
    )
    def test_compiled_step_equals_the_plain_one(self, fusion):
        logs, weights = [], []
        for compiled in (False, True):
            keras.utils.clear_session()
            model = tiny_segmenter(2, fusion, size=(8, 12))
            model.compile(keras.optimizers.SGD(0.1), jit_compile=compiled)
            for seed in range(2):
                out = model.train_on_batch(*batch(2, seed=seed), return_dict=True)
            logs.append(out)
            weights.append(model.get_weights())
        assert logs[0].keys() == logs[1].keys()
        for key, value in logs[0].items():
            assert logs[1][key] == pytest.approx(value, rel=1e-4), key
        for a, b in zip(*weights, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize(
        ("policy", "fusion"),
        [("mixed_bfloat16", ChannelExchanging()), ("mixed_float16", AsymmetricFusion())],
    )
    def test_mixed_precision(self, policy, fusion):
        exact = tiny_segmenter(2, fusion)
        keras.utils.clear_session()
        keras.config.set_dtype_policy(policy)
        try:
            model = tiny_segmenter(2, fusion)
            x, y = batch(2)
            for key, logits in model(x).items():
                assert keras.backend.standardize_dtype(logits.dtype) == "float32"
                assert distance(logits, exact(x)[key]) < 0.03
            assert model.network.get_layer("conv1_conv").compute_dtype == policy[6:]
            assert {keras.backend.standardize_dtype(v.dtype) for v in model.weights} == {"float32"}
            model.compile(keras.optimizers.SGD(0.01))
            scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
            assert scaled == (policy == "mixed_float16")
            before = model.get_weights()
            logs = model.train_on_batch(x, y, return_dict=True)
            exact.compile("sgd")
            expected = float(exact.compute_loss(x, y, exact(x, training=True)))
            assert logs["loss"] == pytest.approx(expected, rel=0.03)
            assert any(np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True))
        finally:
            keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("without_graphs")
class TestSelect:
    @pytest.mark.parametrize("fusion", FUSIONS, **BY_NAME)
    @pytest.mark.parametrize("names", [["rgb"], ["normal", "depth"]])
    def test_shares_every_weight(self, fusion, names):
        model = tiny_segmenter(3, fusion)
        part = model.select(names)
        x = {name: image for name, image in batch(3)[0].items() if name in names}
        outputs = part(x)
        assert sorted(outputs) == sorted([*names, "ensemble"])
        known = {id(v) for v in model.weights}
        assert part.weights and all(id(v) in known for v in part.weights)
        classifier = model.network.get_layer("classifier")
        classifier.set_weights([0 * w for w in classifier.get_weights()])
        assert not np.any(np.asarray(part(x)["ensemble"]))

    def test_without_fusion_a_branch_alone_is_the_same(self):
        model = tiny_segmenter(3)
        x, _ = batch(3)
        alone = model.select(["depth"])({"depth": x["depth"]})
        assert distance(alone["depth"], model(x)["depth"]) < 1e-6
        np.testing.assert_array_equal(alone["ensemble"], alone["depth"])

    @pytest.mark.parametrize("fusion", FUSIONS, **BY_NAME)
    def test_is_trained_and_saved(self, fusion, tmp_path):
        part = tiny_segmenter(3, fusion, evaluation_resize="bicubic").select(["rgb", "normal"])
        part.compile("sgd")
        x, y = batch(3)
        x.pop("depth")
        logs = part.train_on_batch(x, y, return_dict=True)
        assert np.isfinite(logs["loss"]) and "normal_mean_iou" in logs
        part.save(tmp_path / "part.keras")
        loaded = keras.saving.load_model(tmp_path / "part.keras", safe_mode=True)
        for key, value in predictions(part, x).items():
            np.testing.assert_array_equal(predictions(loaded, x)[key], value)

    @pytest.mark.parametrize("names", [[], ["thermal"], "rgb"])
    def test_unknown_names(self, names):
        with pytest.raises(ValueError, match="some of the modalities"):
            tiny_segmenter(2).select(names)


class TestErrors:
    def test_missing_modality(self):
        model = tiny_segmenter(2)
        x, y = batch(2)
        with pytest.raises(ValueError, match=r"\['rgb', 'depth'\].*model\.select"):
            model({"rgb": x["rgb"]})
        with pytest.raises(ValueError, match="dictionary with the modalities"):
            model(x["rgb"])
        model.compile("sgd")
        with pytest.raises(ValueError, match="dictionary with the modalities"):
            model.fit({"rgb": x["rgb"], "dept": x["depth"]}, y, verbose=0)

    def test_wrong_number_of_channels(self):
        x, _ = batch(2)
        with pytest.raises(ValueError, match=r"'depth' must have the shape \(.*, 1\).*, 3\)"):
            tiny_segmenter(2)({"rgb": x["rgb"], "depth": x["rgb"]})

    def test_wrong_rank(self):
        x, _ = batch(2)
        with pytest.raises(ValueError, match="'depth' must have the shape"):
            tiny_segmenter(2)({"rgb": x["rgb"], "depth": x["depth"][..., 0]})

    def test_sizes_that_differ(self):
        x, _ = batch(2)
        with pytest.raises(ValueError, match=r"crop or resize.*\(4, 6, 12, 1\)"):
            tiny_segmenter(2)({"rgb": x["rgb"], "depth": x["depth"][:, 1:-1]})

    def test_evaluation_resize(self):
        with pytest.raises(ValueError, match="Received: evaluation_resize='nearest'"):
            Segmenter(tiny_network(), {"rgb": 3}, evaluation_resize="nearest")

    @pytest.mark.parametrize("ensemble", ["mean", True, False])
    def test_ensemble(self, ensemble):
        with pytest.raises(ValueError, match=f"`ensemble` must be one of .*ensemble={ensemble!r}"):
            Segmenter(tiny_network(), {"rgb": 3, "depth": 1}, ensemble=ensemble)

    def test_no_modalities(self):
        plain = tiny_network()
        without = to_multimodal(plain, {"rgb": 3, "depth": 1})
        for network in (plain, without):
            with pytest.raises(ValueError, match="multimodal with an ensemble"):
                Segmenter(network)

    def test_settings_that_belong_to_to_multimodal(self):
        network = to_multimodal(tiny_network(), {"rgb": 3}, ensemble=True)
        assert Segmenter(network).modality_names == ("rgb",)
        with pytest.raises(ValueError, match="ensemble='pixel'"):
            Segmenter(network, ensemble="pixel")
        with pytest.raises(ValueError, match="freeze_statistics=True"):
            Segmenter(network, freeze_statistics=True)
        with pytest.raises(ValueError, match="ChannelExchanging"):
            Segmenter(network, fusion=ChannelExchanging())


def ending_in(*endings, nested=False):
    """The tiny network with more at its end."""
    network = tiny_network()
    x = network.output
    for ending in endings:
        x = ending(x)
    if nested:
        head = keras.Input(network.output.shape[1:])
        x = keras.Model(head, keras.layers.Softmax()(head), name="head")(network.output)
    return keras.Model(network.input, x, name="tiny")


PROBABILITIES = [
    ([keras.layers.Softmax(name="last")], "softmax"),
    ([keras.layers.Activation("softmax", name="last")], "softmax"),
    ([keras.layers.Activation("sigmoid", name="last")], "sigmoid"),
    ([keras.layers.Conv2D(CLASSES, 1, activation="softmax", name="last")], "softmax"),
    ([keras.layers.Dense(CLASSES, activation="hard_sigmoid", name="last")], "hard_sigmoid"),
    ([ops.softmax], "softmax"),
    ([ops.sigmoid, keras.layers.UpSampling2D(2, interpolation="bilinear")], "sigmoid"),
    ([keras.layers.Softmax(name="last"), keras.layers.Activation("linear")], "softmax"),
]
LOGITS = [
    [],
    [keras.layers.Conv2D(CLASSES, 1), keras.layers.UpSampling2D(2)],
    [keras.layers.Softmax(), ops.log],  # log-probabilities are logits
    [lambda x: x * ops.sigmoid(x)],  # a gate
]


@pytest.mark.usefixtures("without_graphs")
class TestProbabilities:
    @pytest.mark.parametrize(("endings", "activation"), PROBABILITIES)
    def test_at_the_end_are_an_error(self, endings, activation):
        model = Segmenter(ending_in(*endings), {"rgb": 3, "depth": 1})
        with pytest.raises(ValueError, match=rf"must end in logits.*with {activation} at the end"):
            model.compile("sgd")
        with pytest.raises(ValueError, match="must end in logits"):
            model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def test_with_a_loss_of_probabilities(self):
        model = Segmenter(ending_in(keras.layers.Softmax()), {"rgb": 3, "depth": 1})
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy())
        x, y = batch(2, void=0.0)
        outputs = predictions(model, x)
        expected = sum(cross_entropy(np.log(p), y) for p in outputs.values())
        logs = model.test_on_batch(x, y, return_dict=True)
        assert logs["loss"] == pytest.approx(expected, rel=1e-4)

    @pytest.mark.parametrize("endings", LOGITS)
    def test_logits(self, endings):
        Segmenter(ending_in(*endings), {"rgb": 3}).compile("sgd")

    def test_logits_with_a_loss_of_probabilities(self):
        with pytest.raises(ValueError, match=r"takes probabilities.*from_logits=True"):
            tiny_segmenter(2).compile("sgd", keras.losses.SparseCategoricalCrossentropy())


@pytest.mark.usefixtures("without_graphs")
class TestTargets:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda y: np.eye(CLASSES, dtype="float32")[y], r"class indices.*np\.argmax"),
            (lambda y: None, "must be one mask.*NoneType"),
            (lambda y: y[:, :4], r"height and width of the logits.*\(4, 4, 12\)"),
            (lambda y: y[:, 0, 0], r"height and width of the logits.*\(4,\)"),
        ],
    )
    def test_that_are_no_mask(self, change, message):
        model = tiny_segmenter(2)
        model.compile("sgd")
        x, y = batch(2, void=0.0)
        for method in (model.train_on_batch, model.test_on_batch):
            with pytest.raises(ValueError, match=message):
                method(x, change(y))

    def test_class_weight_of_fit(self):
        model = tiny_segmenter(2)
        model.compile("sgd")
        with pytest.raises(
            ValueError, match=r"`class_weight` must be None.*class_weights=\[\.\.\."
        ):
            model.fit(*batch(2), class_weight={0: 1.0, 1: 2.0}, verbose=0)
        with pytest.raises(ValueError, match="`class_weight` must be None"):
            model.train_on_batch(*batch(2), None, {0: 1.0})


@pytest.fixture
def restore_dtypes():
    yield
    keras.config.set_dtype_policy("float32")
    keras.config.set_floatx("float32")


@pytest.mark.usefixtures("without_graphs")
class TestDtypes:
    @pytest.mark.parametrize("policy", ["bfloat16", "float16", "float64"])
    def test_of_the_policy(self, policy, restore_dtypes):
        if keras.backend.backend() == "jax" and policy == "float64":
            pytest.skip("JAX has no float64 by default")
        x, y = batch(2)
        exact = predictions(tiny_segmenter(2, ChannelExchanging()), x)
        keras.utils.clear_session()
        keras.config.set_dtype_policy(policy)
        self.check(tiny_segmenter(2, ChannelExchanging()), x, y, exact)

    @pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX has no float64 by default")
    def test_floatx(self, restore_dtypes):
        x, y = batch(2)
        exact = predictions(tiny_segmenter(2, ChannelExchanging()), x)
        keras.utils.clear_session()
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
        self.check(tiny_segmenter(2, ChannelExchanging()), x, y, exact)

    def check(self, model, x, y, exact):
        for key, logits in predictions(model, x).items():
            assert logits.dtype == ("float64" if model.compute_dtype == "float64" else "float32")
            assert distance(logits, exact[key]) < 0.03
        model.compile(keras.optimizers.SGD(0.01), metrics={"ensemble": ["accuracy"]})
        before = model.get_weights()
        logs = model.train_on_batch(x, y, return_dict=True)
        assert np.isfinite(list(logs.values())).all()
        assert any(np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True))
