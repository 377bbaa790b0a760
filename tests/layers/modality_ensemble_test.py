import keras
import numpy as np
import pytest

from keras_asym.layers import ModalityEnsemble, SelectedModalities
from keras_asym.models import Segmenter
from tests.helpers import gradients, images, randomize, uneven_sum
from tests.layers.contract import CHANNELS, LayerContract
from tests.models.tiny import confusion, figures


class TestContract(LayerContract):
    identity = True
    all_present = 1e-6

    def make(self, modalities):
        return ModalityEnsemble(modalities)


class TestContractOfClass(TestContract):
    def make(self, modalities):
        return ModalityEnsemble(modalities, weights="class")


class TestContractOfPixel(TestContract):
    def make(self, modalities):
        return ModalityEnsemble(modalities, weights="pixel")

    def inputs(self, modalities, height=5, width=6):
        """The first modality agrees with the weights of `uneven_sum`: gradients of the head are
        sums over the pixels, which otherwise cancel to rounding errors."""
        x = super().inputs(modalities, height, width)
        x[::modalities] += images(4, height, width, CHANNELS, seed=100)
        return x


def built(alpha):
    layer = ModalityEnsemble(len(alpha), name="ensemble")
    layer.build((None, 4, 5, 6))
    np.testing.assert_array_equal(layer.alpha, np.ones(len(alpha)))
    layer.alpha.assign(alpha)
    return layer


def softmax(alpha):
    return np.exp(alpha) / np.exp(alpha).sum()


@pytest.mark.parametrize("alpha", [[0.3], [0.5, -1.0], [2.0, 0.0, -0.5]])
def test_values(alpha):
    x = images(2, len(alpha), 4, 5, 6)
    expected = np.einsum("bmhwc,m->bhwc", x, softmax(np.array(alpha)))
    layer = built(alpha)
    np.testing.assert_allclose(layer(x.reshape(-1, 4, 5, 6)), expected, atol=1e-6)
    np.testing.assert_allclose(layer.weights_of(), softmax(np.array(alpha)), rtol=1e-6)


def test_softmax_is_taken_over_the_selected():
    layer = built([2.0, 0.0, -0.5])
    x = images(2, 2, 4, 5, 6)
    expected = np.einsum("bmhwc,m->bhwc", x, softmax(np.array([2.0, -0.5])))
    y = SelectedModalities(layer, (0, 2))(x.reshape(4, 4, 5, 6))
    np.testing.assert_allclose(y, expected, atol=1e-6)
    np.testing.assert_array_equal(SelectedModalities(layer, (1,))(x[:, 0]), x[:, 0])


def test_softmax_is_taken_over_those_that_an_example_has():
    alpha = np.array([2.0, 0.0, -0.5])
    layer = built(alpha)
    pattern = [[0, 2], [1], [0, 1, 2]]
    presence = np.array([[row in rows for row in range(3)] for rows in pattern])
    x = images(3, 3, 4, 5, 6)
    y = layer(x.reshape(-1, 4, 5, 6), presence=presence)
    for example, rows in enumerate(pattern):
        share = np.zeros(3)
        share[rows] = softmax(alpha[rows])
        np.testing.assert_allclose(layer.weights_of(presence)[example], share, atol=1e-6)
        expected = np.einsum("mhwc,m->hwc", x[example], share)
        np.testing.assert_allclose(y[example], expected, atol=1e-6)


def test_an_example_without_any_gives_not_a_number():
    y = built([0.5, -1.0])(images(4, 3, 2), presence=np.array([[True, True], [False, False]]))
    assert np.isfinite(y[0]).all() and np.isnan(y[1]).all()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16", "mixed_float16", "float16"])
def test_gradient_of_alpha_in_half_precision(policy):
    """It is a sum over all pixels, which half precision cannot make."""
    x = images(8, 40, 40, 12).astype(policy.removeprefix("mixed_"))
    found = []
    for dtype in ("float32", policy):
        layer = ModalityEnsemble(2, dtype=dtype, name="ensemble")
        layer.build((None, 40, 40, 12))

        def loss(y):  # a mean: what reaches each pixel is small
            return keras.ops.mean(keras.ops.square(keras.ops.cast(y, "float32") - 1))

        found.append(gradients(layer, x, loss)[0]["ensemble/alpha"])
    np.testing.assert_allclose(found[1], found[0], rtol=0.02)


def test_gradient_reaches_alpha_alone():
    of_weights, (of_inputs,) = gradients(built([0.5, -1.0]), images(4, 4, 5, 6), uneven_sum)
    assert (of_weights["ensemble/alpha"] != 0).all()
    assert (of_inputs == 0).all()


def test_one_branch_has_nothing_to_learn():
    assert built([1.0]).trainable_variables == []
    assert len(built([1.0, 1.0]).trainable_variables) == 1


def of_kind(kind, modalities=2, classes=6):
    layer = ModalityEnsemble(modalities, weights=kind, name="ensemble")
    layer.build((None, 4, 5, classes))
    return layer


@pytest.mark.parametrize("kind", ["class", "pixel"])
@pytest.mark.parametrize("shape", [(7,), (9, 7), (4, 5, 7), (2, 4, 5, 7)])
def test_at_first_the_mean_is_taken_whatever_the_rank(kind, shape):
    x = 5 * images(2, 3, *shape)
    layer = ModalityEnsemble(3, weights=kind)
    np.testing.assert_allclose(layer(x.reshape(-1, *shape)), x.mean(axis=1), atol=1e-5)


def test_weights_of_each_class_by_hand():
    layer = of_kind("class", classes=3)
    alpha = np.array([[0.0, 1.0, -2.0], [0.5, 1.0, 3.0]])
    layer.alpha.assign(alpha)
    shares = np.exp(alpha) / np.exp(alpha).sum(axis=0)
    np.testing.assert_allclose(layer.weights_of(), shares, rtol=1e-6)
    x = images(2, 2, 4, 5, 3)
    expected = np.einsum("bmhwc,mc->bhwc", x, shares)
    np.testing.assert_allclose(layer(x.reshape(4, 4, 5, 3)), expected, atol=1e-6)
    found = layer.weights_of(np.array([[True, False]]))
    np.testing.assert_array_equal(found, [[[1, 1, 1], [0, 0, 0]]])


def pixel_weights(layer, x, presence):
    """The head in NumPy, of logits `(batch, modalities, height, width, classes)`."""
    alpha, kernels, biases, ends = (np.array(w, "float64") for w in layer.weights)
    p = np.exp(x - x.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    entropy = -(p * np.log(p)).sum(-1, keepdims=True) / np.log(x.shape[-1])
    features = np.concatenate([np.maximum(np.log(p), -10) / 10, entropy], -1)
    hidden = np.tanh(np.einsum("bmhwf,mfu->bmhwu", features, kernels) + biases[:, None, None])
    scores = alpha[:, None, None] + np.einsum("bmhwu,mu->bmhw", hidden, ends)
    powers = np.exp(scores) * presence[:, :, None, None]
    return powers / powers.sum(axis=1, keepdims=True)


def test_weights_of_each_pixel_by_hand():
    layer = randomize(of_kind("pixel", 3))
    x = 4 * images(4, 3, 4, 5, 6)
    x[0, 0] *= 30  # log-probabilities far below the lowest
    folded = x.reshape(12, 4, 5, 6)
    for rows in ([[0, 1, 2]] * 4, [[0, 2], [1], [0, 1, 2], [1, 2]]):
        presence = np.array([[row in these for row in range(3)] for these in rows])
        given = None if presence.all() else presence
        shares = pixel_weights(layer, x.astype("float64"), presence)
        found = np.array(layer.weights_of(given, folded))
        assert found.shape == (4, 3, 4, 5, 1)
        np.testing.assert_allclose(found[..., 0], shares, atol=1e-5)
        expected = np.einsum("bmhwc,bmhw->bhwc", x, shares)
        np.testing.assert_allclose(layer(folded, presence=given), expected, rtol=1e-4, atol=1e-3)
    assert shares[2].std(axis=(1, 2)).min() > 0.01  # they differ from pixel to pixel


@pytest.mark.parametrize("kind", ["class", "pixel"])
def test_gradient_reaches_the_weights_alone(kind):
    of_weights, (of_inputs,) = gradients(
        randomize(of_kind(kind)), images(4, 4, 5, 6), lambda y: keras.ops.sum(y**2)
    )
    assert set(of_weights) == {w.path for w in of_kind(kind).trainable_variables}
    assert all(value.any() for value in of_weights.values())
    assert (of_inputs == 0).all()


@pytest.mark.parametrize("policy", ["mixed_float16", "float16"])
def test_confident_logits_in_half_precision(policy):
    x = (60_000 * images(4, 4, 5, 6).clip(-1, 1)).astype("float16")
    layer = ModalityEnsemble(2, weights="pixel", dtype=policy)
    layer.build(x.shape)
    of_weights, _ = gradients(randomize(layer), x, lambda y: keras.ops.mean(y / 60_000))
    assert all(np.isfinite(value).all() for value in of_weights.values())
    assert np.isfinite(np.array(layer(x))).all()


def test_one_branch_needs_no_head():
    layer = of_kind("pixel", 1)
    assert [w.name for w in layer.weights] == ["alpha"] and not layer.trainable_variables
    np.testing.assert_array_equal(
        layer.weights_of(inputs=images(2, 4, 5, 6)), np.ones((2, 1, 4, 5, 1))
    )


def test_layers_of_older_files_are_global():
    config = of_kind("class").get_config()
    assert config.pop("weights") == "class"
    assert ModalityEnsemble.from_config(config).kind == "global"


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"`weights` must be one of .*Received: weights='pixels'"):
        ModalityEnsemble(2, weights="pixels")
    for kind, shape in (("class", (4, 5, None)), ("pixel", (4, 5, 1)), ("pixel", (4,))):
        with pytest.raises(ValueError, match=r'at least 2 classes.* take weights="global"'):
            ModalityEnsemble(2, weights=kind).build(shape)
    with pytest.raises(ValueError, match="`inputs` must be given"):
        of_kind("pixel").weights_of()


def half_blind_sensors(count, seed):
    """Images of two sensors and masks: each sensor sees one half of the image, with noise.

    What is not seen is dark. Four fifths of the pixels are of the first class, which is also what
    a branch answers where it sees nothing.
    """
    rng = np.random.default_rng(seed)
    mask = rng.choice(3, p=[0.8, 0.1, 0.1], size=(count, 8, 8)).repeat(2, 1).repeat(2, 2)
    left = np.arange(16) < 8
    x = {}
    for name, seen in (("a", left), ("b", ~left)):
        noise = rng.standard_normal((2, *mask.shape))
        bright = np.array([0.0, -1.0, 1.0])[mask] + 0.6 * noise[0]
        x[name] = np.where(seen, bright, 0.3 * noise[1] - 3)[..., None].astype("float32")
    return x, mask.astype("int32")


def test_the_ensemble_looks_where_each_sensor_sees():
    """On held-out images it is better than both branches and than any one number a sensor."""
    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((None, None, 1))
    for name in ("conv1", "conv2"):
        x = keras.layers.Conv2D(8, 3, padding="same", use_bias=False, name=name)(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
    network = keras.Model(inputs, keras.layers.Conv2D(3, 1)(x))
    model = Segmenter(network, {"a": 1, "b": 1}, ensemble="pixel")
    model.compile(keras.optimizers.Adam(0.02))
    model.fit(*half_blind_sensors(64, 1), batch_size=16, epochs=20, verbose=0)
    images, mask = half_blind_sensors(64, 2)
    logits = model.predict(images, batch_size=64, verbose=0)

    def mean_iou(logits):
        return figures(confusion(mask, logits.argmax(-1), 3))["mean_iou"]

    numbers = [mean_iou(w * logits["a"] + (1 - w) * logits["b"]) for w in np.linspace(0, 1, 11)]
    assert mean_iou(logits["ensemble"]) > max(numbers) + 0.08, numbers  # each branch among them
