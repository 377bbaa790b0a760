"""`inputs["present"]`: which modalities each example has."""

import keras
import numpy as np
import pytest

from keras_asym.fusion import AsymmetricFusion, ChannelExchanging, PrivateNormalization
from keras_asym.layers.modality_ensemble import KINDS
from keras_asym.losses import ValidPixelCrossentropy
from tests.helpers import arrays, distance
from tests.models import tiny
from tests.models.tiny import VOID, confusion, cross_entropy, figures, tiny_segmenter
from tests.models.translator_players_test import compiled, small, translator, values

FUSIONS = [PrivateNormalization(), ChannelExchanging(l1=0.1), AsymmetricFusion()]
BY_NAME = {"ids": lambda fusion: type(fusion).__name__}
LOSS = ValidPixelCrossentropy(focal_gamma=2.0, dice_weight=0.5)
NAMES = ["rgb", "depth", "normal"]
MIXED = np.array([[1, 1, 1], [1, 0, 1], [0, 0, 1], [0, 1, 0]], "bool")


def with_garbage(x, present, value):
    """The inputs with something in the images that an example does not have."""
    images = {
        name: np.where(present[:, index, None, None, None], image, np.float32(value))
        for index, (name, image) in enumerate(x.items())
    }
    return {**images, "present": present}


def outputs_by_select(model, x, present):
    """What `select` gives for each example alone, by key; zeros where it has no such branch."""
    found = {key: [] for key in model.output_keys}
    for index, row in enumerate(present):
        names = [name for name, here in zip(model.modality_names, row, strict=True) if here]
        part = model.select(names)({name: x[name][index : index + 1] for name in names})
        for key, each in found.items():
            each.append(np.asarray(part.get(key, 0 * part["ensemble"]))[0])
    return {key: np.stack(each) for key, each in found.items()}


def counted(model, present):
    """Which examples count, by key of the outputs."""
    columns = dict(zip(model.modality_names, present.T, strict=True))
    return {**columns, "ensemble": present.any(axis=1)}


class TestSegmenter:
    @pytest.mark.parametrize("fusion", FUSIONS, **BY_NAME)
    def test_figures_are_those_of_select(self, fusion):
        model = tiny_segmenter(3, fusion, ensemble=KINDS[FUSIONS.index(fusion)])
        model.compile("sgd", run_eagerly=True)
        x, y = tiny.batch(3)
        expected = outputs_by_select(model, x, MIXED)
        given = with_garbage(x, MIXED, np.nan)
        outputs = model(given)
        logs = model.test_on_batch(given, y, return_dict=True)
        for key, here in counted(model, MIXED).items():
            assert distance(np.asarray(outputs[key])[here], expected[key][here]) < 1e-6
            mask = np.where(here[:, None, None], y, VOID)
            loss = cross_entropy(expected[key], mask)
            assert logs[f"{key}_loss"] == pytest.approx(loss, rel=1e-5)
            matrix = confusion(mask, expected[key].argmax(-1))
            for name, value in figures(matrix).items():
                assert logs[f"{key}_{name}"] == pytest.approx(value, rel=1e-6)

    @pytest.mark.parametrize("fusion", FUSIONS, **BY_NAME)
    def test_training_does_not_see_what_is_absent(self, fusion):
        weights, logs = [], []
        for value in (0.0, np.nan):
            keras.utils.clear_session()
            model = tiny_segmenter(3, fusion, ensemble=KINDS[FUSIONS.index(fusion)])
            model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
            x, y = tiny.batch(3)
            given = with_garbage(x, MIXED, value)
            logs.append(model.train_on_batch(given, y[..., None].astype("uint8"), return_dict=True))
            weights.append(model.get_weights())
        assert np.isfinite(list(logs[0].values())).all() and logs[0] == logs[1]
        for a, b in zip(*weights, strict=True):
            assert np.isfinite(a).all()
            np.testing.assert_array_equal(a, b)

    @pytest.mark.parametrize("ensemble", KINDS)
    def test_an_example_without_any_counts_nowhere(self, ensemble):
        """Also not in the gradients, where 0 * NaN would stay."""
        present, (x, y) = np.array([[1, 1], [0, 0], [1, 0], [0, 0]], "bool"), tiny.batch(2)
        kept = present.any(axis=1)
        part = {name: image[kept] for name, image in x.items()}
        logs, weights = [], []
        for images, mask, here in ((x, y, present), (part, y[kept], present[kept])):
            keras.utils.clear_session()
            model = tiny_segmenter(2, ChannelExchanging(), ensemble=ensemble)
            model.compile(keras.optimizers.SGD(0.1), LOSS, run_eagerly=True)
            given = with_garbage(images, here, np.nan)
            logs.append(model.train_on_batch(given, mask, return_dict=True))
            weights.append(model.get_weights())
        assert logs[0] == pytest.approx(logs[1], rel=1e-5)
        for a, b in zip(*weights, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)

    def test_all_present_is_as_none_given(self):
        model = tiny_segmenter(2, ChannelExchanging())
        model.compile("sgd", run_eagerly=True)
        x, y = tiny.batch(2)
        assert model._masks(x, y, {})["depth"] is y  # the default path has no operation more
        everything = {**x, "present": np.ones((4, 2), "int32")}
        for key, value in model(x).items():
            assert distance(model(everything)[key], value) < 1e-6
        logs = [model.test_on_batch(each, y, return_dict=True) for each in (x, everything)]
        assert logs[0] == pytest.approx(logs[1], rel=1e-6)

    def test_after_saving_and_of_a_part(self, tmp_path):
        model = tiny_segmenter(3, ChannelExchanging())
        model.save(tmp_path / "model.keras")
        x, _ = tiny.batch(3)
        given = with_garbage(x, MIXED, 7.0)
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        for key, value in model(given).items():
            np.testing.assert_array_equal(loaded(given)[key], value)
        two = MIXED[:2, 1:]
        part = {name: x[name][:2] for name in NAMES[1:]}
        outputs = model.select(NAMES[1:])(with_garbage(part, two, np.nan))
        alone = model.select(["normal"])({"normal": x["normal"][1:2]})["ensemble"]
        assert distance(outputs["ensemble"][1:], alone) < 1e-6

    def test_fit_and_predict(self):
        model = tiny_segmenter(3)
        model.compile("sgd", metrics={"depth": ["accuracy"]})
        x, y = tiny.batch(3)
        given = with_garbage(x, MIXED, np.nan)
        assert np.isfinite(model.fit(given, y, batch_size=2, verbose=0).history["loss"]).all()
        predicted = model.predict(given, batch_size=2, verbose=0)
        assert np.isfinite(predicted["ensemble"]).all()

    @pytest.mark.parametrize(
        "present",
        [np.ones((4, 3), "bool"), np.ones(4, "bool"), np.ones((4, 2), "float32")],
    )
    def test_wrong_ones(self, present):
        x, _ = tiny.batch(2)
        with pytest.raises(ValueError, match=r"a column for each of \['rgb', 'depth'\].*Received"):
            tiny_segmenter(2)({**x, "present": present})

    def test_void_label_that_the_mask_cannot_hold(self):
        model = tiny_segmenter(2, ignore_class=-1)
        model.compile("sgd", run_eagerly=True)
        x, y = tiny.batch(2, void=0.0)
        given = {**x, "present": np.array([[1, 0]] * 4)}
        logs = model.test_on_batch(given, y.astype("uint8"), return_dict=True)
        assert logs["depth_loss"] == 0 and np.isfinite(logs["loss"])


class TestTranslator:
    PRESENT = np.array([[1, 1], [1, 0], [0, 1], [1, 0]], "bool")

    def test_terms_are_those_of_the_branches_that_are_there(self):
        model = compiled(translator())
        x, y = small()
        expected = outputs_by_select(model, x, self.PRESENT)
        given = with_garbage(x, self.PRESENT, np.nan)
        outputs = model(given)
        here = counted(model, self.PRESENT)
        for key, value in expected.items():
            assert distance(np.asarray(outputs[key])[here[key]], value[here[key]]) < 1e-6

        def decisions(images):
            """-log(sigmoid) and -log(1 - sigmoid) of each branch's decision, `(batch, 2)`."""
            folded = np.stack(images, axis=1).reshape(-1, 16, 16, 3)
            logits = arrays(model.discriminator({**x, "candidate": folded}))[0].astype("float64")
            logits = logits.reshape(4, 2, -1)
            return [np.log1p(np.exp(sign * logits)).mean(-1) for sign in (-1, 1)]

        branches = [expected[name] for name in model.modality_names]
        real, fake = decisions([y, y])[0], decisions(branches)[1]
        fooled = decisions(branches)[0]
        errors = sum(here[key] * np.abs(v - y).mean((1, 2, 3)) for key, v in expected.items())
        terms = {
            **model.losses_for("discriminator", given, y, outputs),
            **model.losses_for("generator", given, y, outputs),
        }
        by_hand = {
            "discriminator_loss": (0.5 * (real + fake) * self.PRESENT).sum(1),
            "adversarial_loss": (fooled * self.PRESENT).sum(1),
            "reconstruction_loss": 100 * errors,
        }
        for name, value in by_hand.items():
            np.testing.assert_allclose(terms[name], value, rtol=1e-5)
        weight = np.array([1, 2, 0.5, 1], "float32")
        logs = model.test_on_batch(given, y, sample_weight=weight, return_dict=True)
        for key, value in expected.items():
            error = np.average(np.abs(value - y).mean((1, 2, 3)), weights=weight * here[key])
            assert logs[f"{key}_mae"] == pytest.approx(error, rel=1e-5)

    def test_training_does_not_see_what_is_absent(self):
        found = []
        for value in (0.0, np.nan):
            keras.utils.clear_session()
            model = compiled(translator())
            x, y = small()
            logs = model.train_on_batch(with_garbage(x, self.PRESENT, value), y, return_dict=True)
            found.append((logs, {**values(model.generator), **values(model.discriminator)}))
        assert np.isfinite(list(found[0][0].values())).all() and found[0][0] == found[1][0]
        for path, value in found[0][1].items():
            assert np.isfinite(value).all()
            np.testing.assert_array_equal(found[1][1][path], value)

    def test_all_present_is_as_none_given(self):
        model = compiled(translator())
        x, y = small()
        everything = {**x, "present": np.ones((4, 2), "bool")}
        logs = [model.test_on_batch(each, y, return_dict=True) for each in (x, everything)]
        assert logs[0] == pytest.approx(logs[1], rel=1e-6)

    def test_wrong_ones(self):
        x, _ = small()
        with pytest.raises(ValueError, match=r"a column for each of \['depth', 'normal'\]"):
            translator()({**x, "present": np.ones((4, 3), "bool")})
