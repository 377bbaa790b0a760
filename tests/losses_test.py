import keras
import numpy as np
import pytest
from keras import ops

from keras_asym import losses
from keras_asym.losses import ValidPixelCrossentropy
from tests.helpers import images
from tests.models.tiny import CLASSES, VOID, cross_entropy

TENSORFLOW = keras.backend.backend() == "tensorflow"


def example(void=0.3, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, (2, 4, 6)).astype("int32")
    labels[rng.uniform(size=labels.shape) < void] = VOID
    return labels, 3 * images(2, 4, 6, CLASSES)


def gradient(labels, logits, loss=None, compiled=False):
    """Value and gradient with respect to the logits, compiled by XLA or not."""
    loss = ValidPixelCrossentropy() if loss is None else loss
    if TENSORFLOW:
        import tensorflow as tf

        def run(logits):
            with tf.GradientTape() as tape:
                tape.watch(logits)
                value = loss(labels, logits)
            return value, tape.gradient(value, logits)

        run = tf.function(run, jit_compile=True) if compiled else run
    else:
        import jax

        run = jax.value_and_grad(lambda logits: loss(labels, logits))
        run = jax.jit(run) if compiled else run
    return [np.asarray(x) for x in run(ops.convert_to_tensor(logits))]


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32"])
@pytest.mark.parametrize("axis", [False, True])
def test_value(dtype, axis):
    labels, logits = example()
    given = labels.astype(dtype)[..., None] if axis else labels.astype(dtype)
    assert float(ValidPixelCrossentropy()(given, logits)) == pytest.approx(
        cross_entropy(logits, labels), rel=1e-6
    )


def test_gradient_is_that_of_the_formula():
    labels, logits = example()
    _, found = gradient(labels, logits)
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    valid = labels != VOID
    expected = (p - np.eye(CLASSES)[np.where(valid, labels, 0)]) * valid[..., None] / valid.sum()
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize("compiled", [False, True])
def test_void_alone_gives_zero(compiled):
    _, logits = example()
    value, found = gradient(np.full((2, 4, 6), VOID), logits, compiled=compiled)
    assert value == 0
    assert not found.any()


def test_void_may_be_any_label():
    labels, logits = example(void=0.0)
    expected = cross_entropy(logits, np.where(labels == 0, VOID, labels))
    assert float(ValidPixelCrossentropy(0)(labels, logits)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("shape", [(2,), (2, 1, 1), (2, 4, 6), (2, 4, 6, 1)])
def test_sample_weight(shape):
    labels, logits = example()
    weights = np.random.default_rng(3).uniform(size=shape).astype("float32")
    full = weights.reshape(*shape[:3], *(1,) * (3 - len(shape)))
    assert float(ValidPixelCrossentropy()(labels, logits, weights)) == pytest.approx(
        cross_entropy(logits, labels, full), rel=1e-6
    )


def test_low_precision_logits_are_taken_in_float32():
    labels, logits = example()
    rounded = ops.cast(logits, "bfloat16")
    expected = cross_entropy(ops.convert_to_numpy(ops.cast(rounded, "float32")), labels)
    assert float(ValidPixelCrossentropy()(labels, rounded)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("wrong", [CLASSES, 254, -1])
class TestUnknownLabel:
    def test_compiled(self, wrong):
        """The loss says so, and the gradients are those of the other pixels."""
        labels, logits = example()
        labels[0, 0, 0], labels[0, 0, 1] = 0, wrong
        value, found = gradient(labels, logits, compiled=True)
        assert np.isnan(value)
        assert np.isfinite(found).all() and found[0, 0, 0].any()

    @pytest.mark.skipif(not TENSORFLOW, reason="JAX cannot raise inside a step")
    def test_tensorflow_raises(self, wrong):
        import tensorflow as tf

        labels, logits = example()
        labels[1, 2, 3] = wrong
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be in 0\.\.4"):
            ValidPixelCrossentropy()(labels, logits)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be in 0\.\.4"):
            tf.function(ValidPixelCrossentropy())(labels, logits)


class TestMask:
    @pytest.mark.parametrize("wrong", [0.5, float("nan")])
    def test_label_that_is_no_integer(self, wrong):
        labels, logits = example()
        labels = labels.astype("float32")
        labels[0, 0, 0], labels[0, 0, 1] = 0, wrong
        value, found = gradient(labels, logits, compiled=True)
        assert np.isnan(value)
        assert np.isfinite(found).all() and found[0, 0, 0].any()

    def test_label_that_int32_would_wrap(self):
        labels, logits = example()
        labels = labels.astype("int64")
        labels[0, 0, 0] = 2**32 + 1
        if TENSORFLOW:  # JAX itself has no such integers
            assert np.isnan(gradient(labels, logits, compiled=True)[0])

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ((2, 4, 6, CLASSES), r"not one-hot.*np\.argmax"),
            ((2, 4, 5), "height and width of the logits"),
            ((2, 4, 6, 2), "height and width of the logits"),
            ((2,), "height and width of the logits"),
        ],
    )
    def test_shape(self, shape, message):
        with pytest.raises(ValueError, match=message):
            ValidPixelCrossentropy()(np.zeros(shape, "int32"), example()[1])

    @pytest.mark.parametrize("mask", [None, {"rgb": 0}])
    def test_no_mask(self, mask):
        with pytest.raises(ValueError, match="must be one mask"):
            ValidPixelCrossentropy()(mask, example()[1])


@pytest.mark.skipif(not TENSORFLOW, reason="JAX has no float64 by default")
def test_float64_logits_are_taken_in_float64():
    labels, logits = example()
    value = ValidPixelCrossentropy(class_weights=[1.0] * CLASSES)(labels, logits.astype("float64"))
    assert keras.backend.standardize_dtype(value.dtype) == "float64"
    expected = cross_entropy(logits.astype("float64"), labels)
    assert float(value) == pytest.approx(expected, rel=1e-12)


WEIGHTS = [0.25, 3.0, 0.0, 1.0, 0.5]


class TestClassWeights:
    @pytest.mark.parametrize("compiled", [False, True])
    @pytest.mark.parametrize("kind", [list, tuple, np.array, np.float32])
    def test_weighted_mean(self, kind, compiled):
        labels, logits = example()
        loss = ValidPixelCrossentropy(class_weights=kind(WEIGHTS))
        value, found = gradient(labels, logits, loss, compiled)
        valid = labels != VOID
        index = np.where(valid, labels, 0)
        weights = np.array(WEIGHTS)[index] * valid
        share = valid.sum() / weights.sum()
        assert value == pytest.approx(share * cross_entropy(logits, labels, weights), rel=1e-6)
        p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        expected = (p - np.eye(CLASSES)[index]) * weights[..., None] / weights.sum()
        np.testing.assert_allclose(found, expected, atol=1e-7)

    def test_scale_of_the_weights_changes_nothing(self):
        labels, logits = example()
        whole = float(ValidPixelCrossentropy(class_weights=WEIGHTS)(labels, logits))
        small = ValidPixelCrossentropy(class_weights=[1e-3 * w for w in WEIGHTS])
        assert float(small(labels, logits)) == pytest.approx(whole, rel=1e-5)
        equal = ValidPixelCrossentropy(class_weights=[0.1] * CLASSES)
        plain = float(ValidPixelCrossentropy()(labels, logits))
        assert float(equal(labels, logits)) == pytest.approx(plain, rel=1e-5)

    def test_sample_weights_multiply_the_values(self):
        labels, logits = example()
        loss = ValidPixelCrossentropy(class_weights=WEIGHTS)
        whole, half = (float(loss(labels, logits, np.full(2, w))) for w in (1.0, 0.5))
        assert half == pytest.approx(0.5 * whole, rel=1e-6)

    @pytest.mark.parametrize("label", [2, VOID])
    def test_no_weight_at_all_gives_zero(self, label):
        _, logits = example()
        loss = ValidPixelCrossentropy(class_weights=WEIGHTS)
        value, found = gradient(np.full((2, 4, 6), label), logits, loss)
        assert value == 0 and not found.any()

    def test_an_unknown_label_is_still_noticed(self):
        labels, logits = example()
        labels[0, 0, 1] = CLASSES
        loss = ValidPixelCrossentropy(class_weights=[0.0, 1.0, 1.0, 1.0, 1.0])
        assert np.isnan(gradient(labels, logits, loss, compiled=True)[0])

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            ([1.0, -0.5], "at least 0"),
            ([0, 0], "not all 0"),
            ([1.0, float("nan")], "finite"),
            ([1.0, float("inf")], "finite"),
            ([], "a list of one number"),
            ([[1.0, 2.0]], "a list of one number"),
            (["1", "2"], "a list of one number"),
            ("balanced", "a list of one number"),
            ({0: 1.0}, "a list of one number"),
            (2.0, "a list of one number"),
        ],
    )
    def test_wrong_weights(self, weights, message):
        with pytest.raises(ValueError, match=f"`class_weights` must.*{message}.*Received"):
            ValidPixelCrossentropy(class_weights=weights)

    def test_weights_of_another_number_of_classes(self):
        labels, logits = example()
        with pytest.raises(ValueError, match=r"each of the 5 classes.*Received: 4 weights"):
            ValidPixelCrossentropy(class_weights=WEIGHTS[:4])(labels, logits)


def focal(logits, labels, gamma, weights=None):
    """Focal loss in NumPy, float64: the weighted sum over the valid pixels by their weights."""
    logits = np.asarray(logits, "float64")
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    valid = labels != VOID
    index = np.where(valid, labels, 0)
    p = np.take_along_axis(p, index[..., None], axis=-1)[..., 0]
    shares = valid * (1.0 if weights is None else np.array(weights)[index])
    return (shares * (1 - p) ** gamma * -np.log(p)).sum() / shares.sum()


class TestFocal:
    def test_by_hand(self):
        """Probabilities 1/2 and 1/4 of the labels, with gamma 2."""
        logits = np.log([[[[0.5, 0.3, 0.2], [0.25, 0.25, 0.5], [0.1, 0.1, 0.8]]]])
        loss = ValidPixelCrossentropy(focal_gamma=2.0)
        expected = (0.25 * np.log(2) + 0.5625 * np.log(4)) / 2
        assert float(loss(np.array([[[0, 1, VOID]]]), logits)) == pytest.approx(expected, rel=1e-6)

    @pytest.mark.parametrize("weights", [None, WEIGHTS])
    @pytest.mark.parametrize("gamma", [0.5, 2, 3.0])
    def test_value(self, gamma, weights):
        labels, logits = example()
        loss = ValidPixelCrossentropy(VOID, weights, gamma)
        expected = focal(logits, labels, gamma, weights)
        assert float(loss(labels, logits)) == pytest.approx(expected, rel=1e-5)

    def test_values_are_those_of_keras(self):
        labels, logits = example(void=0.0)
        truth = np.eye(CLASSES, dtype="float32")[labels]
        other = keras.losses.CategoricalFocalCrossentropy(alpha=1, gamma=2, from_logits=True)
        expected = float(other(truth, logits))
        found = float(ValidPixelCrossentropy(focal_gamma=2)(labels, logits))
        assert found == pytest.approx(expected, rel=1e-5)

    @pytest.mark.parametrize("gamma", [0.5, 2.0])
    def test_gradients_at_both_ends(self, gamma):
        """None where the label is sure, that of the cross-entropy where it is impossible."""
        logits = np.zeros((1, 1, 2, 3), "float32")
        logits[0, 0, 0, 0] = logits[0, 0, 1, 1] = 200
        loss = ValidPixelCrossentropy(focal_gamma=gamma)
        for compiled in (False, True):
            value, found = gradient(np.zeros((1, 1, 2), int), logits, loss, compiled)
            assert value == pytest.approx(100)
            np.testing.assert_allclose(found[0, 0], [[0, 0, 0], [-0.5, 0.5, 0]], atol=1e-3)


def dice(logits, labels, weights=None, counts=None, examples=None):
    """Dice loss in NumPy, float64, an example and a class at a time."""
    logits = np.asarray(logits, "float64")
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    valid = labels != VOID
    counts = valid if counts is None else valid & counts
    total, by = 0.0, 0.0
    for example, mask in enumerate(labels):
        for label in np.unique(mask[valid[example]]):
            true = (mask == label) & counts[example]
            predicted = p[example, ..., label] * counts[example]
            share = 1.0 if weights is None else weights[label]
            value = 1 - 2 * (true * predicted).sum() / (true.sum() + predicted.sum())
            total += share * (1.0 if examples is None else examples[example]) * value
            by += share
    return total / by


class TestDice:
    def test_by_hand(self):
        """Class 0: 2 * 0.5 / (1 + 0.5 + 0.25); class 1: 2 * 0.25 / (1 + 0.3 + 0.25)."""
        logits = np.log([[[[0.5, 0.3, 0.2], [0.25, 0.25, 0.5], [0.1, 0.1, 0.8]]]])
        loss = ValidPixelCrossentropy(dice_weight=0.5)
        cross = (np.log(2) + np.log(4)) / 2
        expected = cross + 0.5 * (2 - 1 / 1.75 - 0.5 / 1.55) / 2
        assert float(loss(np.array([[[0, 1, VOID]]]), logits)) == pytest.approx(expected, rel=1e-6)

    @pytest.mark.parametrize("weights", [None, WEIGHTS])
    def test_value(self, weights):
        labels, logits = example()
        labels[1, labels[1] == 3] = 0  # a class that one example lacks
        loss = ValidPixelCrossentropy(VOID, weights, dice_weight=2.0)
        plain = ValidPixelCrossentropy(VOID, weights)
        expected = float(plain(labels, logits)) + 2 * dice(logits, labels, weights)
        assert float(loss(labels, logits)) == pytest.approx(expected, rel=1e-5)

    def test_beside_a_focal_loss(self):
        labels, logits = example()
        loss = ValidPixelCrossentropy(VOID, WEIGHTS, 2.0, 0.5)
        expected = focal(logits, labels, 2.0, WEIGHTS) + 0.5 * dice(logits, labels, WEIGHTS)
        assert float(loss(labels, logits)) == pytest.approx(expected, rel=1e-5)

    def test_sample_weights(self):
        labels, logits = example()
        loss, plain = ValidPixelCrossentropy(dice_weight=1.0), ValidPixelCrossentropy()
        of_examples = np.array([0.5, 3.0], "float32")
        expected = dice(logits, labels, examples=of_examples)
        found = float(loss(labels, logits, of_examples)) - float(plain(labels, logits, of_examples))
        assert found == pytest.approx(expected, rel=1e-4)
        counts = np.random.default_rng(1).uniform(size=labels.shape) < 0.5
        share = [(counts & (y != VOID))[i].sum() / (y != VOID).sum() for i, y in enumerate(labels)]
        weights = counts.astype("float32")
        expected = dice(logits, labels, counts=counts, examples=share)
        found = float(loss(labels, logits, weights)) - float(plain(labels, logits, weights))
        assert found == pytest.approx(expected, rel=1e-4)

    @pytest.mark.parametrize("compiled", [False, True])
    def test_void_examples_and_unknown_labels_have_no_part(self, compiled):
        labels, logits = example()
        loss = ValidPixelCrossentropy(dice_weight=1.0)
        expected, slopes = gradient(labels[:1], logits[:1], loss, compiled)
        labels[1] = VOID  # as where an example lacks the sensor
        value, found = gradient(labels, logits, loss, compiled)
        assert value == pytest.approx(expected, rel=1e-6)
        np.testing.assert_allclose(found[:1], slopes, atol=1e-7)
        assert not found[1].any()
        value, found = gradient(np.full_like(labels, VOID), logits, loss, compiled)
        assert value == 0 and not found.any()
        if compiled:
            of_dice = []
            for label in (VOID, CLASSES):  # in the Dice loss an unknown label is void
                labels[0, 0, 0] = label
                both, cross = (
                    gradient(labels, logits, x, compiled) for x in (loss, ValidPixelCrossentropy())
                )
                of_dice.append(both[1] - cross[1])
            assert np.isnan(both[0]) and np.isfinite(both[1]).all()
            np.testing.assert_allclose(*of_dice, atol=1e-7)

    @pytest.mark.skipif(not TENSORFLOW, reason="replicas of tf.distribute")
    def test_halves_of_a_batch_add_up(self, monkeypatch):
        """What replicas compute: each half, divided by what there is in both."""
        labels, logits = example()
        loss = ValidPixelCrossentropy(VOID, WEIGHTS, 2.0, 0.5)
        whole, slopes = gradient(labels, logits, loss)
        totals = []
        monkeypatch.setattr(losses, "sum_over_replicas", lambda x: totals.append(float(x)) or x)
        for half in (np.s_[:1], np.s_[1:]):
            loss(labels[half], logits[half])
        sums = [totals[0] + totals[2], totals[1] + totals[3]]
        found = []
        for half in (np.s_[:1], np.s_[1:]):
            given = iter(sums)
            monkeypatch.setattr(
                losses, "sum_over_replicas", lambda x, given=given: ops.cast(next(given), x.dtype)
            )
            found.append(gradient(labels[half], logits[half], loss))
        assert sum(value for value, _ in found) == pytest.approx(whole, rel=1e-5)
        np.testing.assert_allclose(np.concatenate([g for _, g in found]), slopes, atol=1e-7)


@pytest.mark.parametrize("name", ["focal_gamma", "dice_weight"])
@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), "2", None, True])
def test_wrong_numbers(name, wrong):
    with pytest.raises(ValueError, match=f"`{name}` must be a finite number.*Received: {name}="):
        ValidPixelCrossentropy(**{name: wrong})


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_taken_in_float32(dtype):
    labels, logits = example()
    rounded = ops.cast(100 * logits, dtype)
    exact = ops.cast(rounded, "float32")
    loss = ValidPixelCrossentropy(VOID, WEIGHTS, 2.0, 0.5)
    assert float(loss(labels, rounded)) == pytest.approx(float(loss(labels, exact)), rel=1e-6)
    value, found = gradient(labels, rounded, loss)
    assert np.isfinite(value) and np.isfinite(found.astype("float32")).all()


def test_config():
    loss = ValidPixelCrossentropy(0, np.array(WEIGHTS), 2.0, 0.5, name="loss")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(again) is ValidPixelCrossentropy
    expected = {"name": "loss", "ignore_class": 0, "class_weights": WEIGHTS}
    expected.update(focal_gamma=2.0, dice_weight=0.5)
    assert again.get_config() == loss.get_config() == expected
    assert ValidPixelCrossentropy.from_config({"ignore_class": 7}).class_weights is None
