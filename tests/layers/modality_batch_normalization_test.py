import keras
import numpy as np
import pytest

from keras_asym.layers import ModalityBatchNormalization, SelectedModalities
from tests.helpers import arrays, gradients, images, randomize, run_program, uneven_sum
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    training = (False, True)
    all_present = 1e-6

    def make(self, modalities):
        return ModalityBatchNormalization(modalities, momentum=0.9, epsilon=1e-5)


def built(modalities, channels=6, **kwargs):
    layer = ModalityBatchNormalization(modalities, **kwargs)
    layer.build((None, None, None, channels))
    return randomize(layer)


def plain(layer, row, rank=4):
    """keras' own layer with the weights of one modality."""
    settings = {name: getattr(layer, name) for name in ("momentum", "epsilon", "center", "scale")}
    bn = keras.layers.BatchNormalization(**settings)
    bn.build((*(None,) * (rank - 1), layer.moving_mean.shape[-1]))
    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
        if getattr(layer, name, None) is not None:
            getattr(bn, name).assign(getattr(layer, name)[row])
    return bn


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("modalities", [1, 2, 3])
@pytest.mark.parametrize(("center", "scale"), [(True, True), (False, True), (True, False)])
def test_each_modality_is_normalized_as_by_keras(modalities, training, center, scale):
    layer = built(modalities, momentum=0.8, epsilon=1e-4, center=center, scale=scale)
    expected = [plain(layer, row) for row in range(modalities)]
    x = images(4, modalities, 5, 7, 6)
    y = layer(x.reshape(-1, 5, 7, 6), training=training)
    y = np.reshape(y, x.shape)
    for row, bn in enumerate(expected):
        np.testing.assert_allclose(y[:, row], bn(x[:, row], training=training), atol=2e-6)
        for name in ("moving_mean", "moving_variance"):
            np.testing.assert_allclose(
                getattr(layer, name)[row], getattr(bn, name), rtol=1e-5, atol=1e-6
            )
    if training:
        assert not np.allclose(layer.moving_mean, built(modalities).moving_mean)


def test_weights():
    layer = ModalityBatchNormalization(3, center=False)
    layer.build((None, 4, 4, 5))
    assert layer.beta is None and layer.gamma.shape == (3, 5)
    names = [w.path.split("/")[-1] for w in layer.weights]
    assert names == ["gamma", "moving_mean", "moving_variance"]
    assert len(layer.trainable_variables) == 1
    rank_two = ModalityBatchNormalization(2)
    assert rank_two(np.ones((4, 5), "float32")).shape == (4, 5)


def test_a_modality_does_not_see_the_others():
    layer = built(2)
    x = images(4, 2, 5, 7, 6)
    changed = x.copy()
    changed[:, 1] *= 9
    y, z = (np.asarray(layer(v.reshape(8, 5, 7, 6), training=True)) for v in (x, changed))
    np.testing.assert_array_equal(y[0::2], z[0::2])
    assert not np.allclose(y[1::2], z[1::2])


def test_frozen_statistics_are_used_and_kept_while_gamma_and_beta_learn():
    layer = built(2, freeze_statistics=True)
    before = arrays(layer.weights)
    x = images(4, 5, 7, 6)
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))
    for value, old in zip(arrays(layer.weights), before, strict=True):
        np.testing.assert_array_equal(value, old)
    of_weights, _ = gradients(layer, x, uneven_sum, training=True)
    assert len(of_weights) == 2 and all((g != 0).all() for g in of_weights.values())


def test_not_trainable_freezes_everything():
    layer = built(2)
    layer.trainable = False
    before = arrays(layer.weights)
    x = images(4, 5, 7, 6)
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))
    for value, old in zip(arrays(layer.weights), before, strict=True):
        np.testing.assert_array_equal(value, old)
    assert layer.trainable_variables == []


@pytest.mark.parametrize("rows", [(1,), (0, 2), (2, 0)])
@pytest.mark.parametrize("training", [False, True])
def test_selected_modalities_use_their_rows(rows, training):
    layer = built(3, momentum=0.8)
    before = np.array(layer.moving_mean)
    expected = [plain(layer, row) for row in range(3)]
    x = images(4, len(rows), 5, 7, 6)
    y = SelectedModalities(layer, rows)(x.reshape(-1, 5, 7, 6), training=training)
    y = np.reshape(y, x.shape)
    for index, row in enumerate(rows):
        bn = expected[row]
        np.testing.assert_allclose(y[:, index], bn(x[:, index], training=training), atol=2e-6)
        np.testing.assert_allclose(layer.moving_mean[row], bn.moving_mean, atol=1e-6)
        np.testing.assert_allclose(layer.moving_variance[row], bn.moving_variance, rtol=1e-5)
    for row in set(range(3)) - set(rows):
        np.testing.assert_array_equal(layer.moving_mean[row], before[row])


@pytest.mark.parametrize("shape", [(5, 6), (5, 4, 6), (5, 3, 4, 6), (5, 2, 3, 4, 6)])
@pytest.mark.parametrize("modalities", [2, 3, 4])
def test_statistics_are_of_the_examples_that_have_the_modality(modalities, shape):
    """As keras' own layer on just these; a modality that nobody has keeps its own."""
    examples, *rest = shape
    layer = ModalityBatchNormalization(modalities, momentum=0.8, epsilon=1e-4)
    layer.build((None, *rest))
    before = arrays(randomize(layer).weights)
    expected = [plain(layer, row, len(shape)) for row in range(modalities)]
    presence = np.random.default_rng(0).uniform(size=(examples, modalities)) < 0.6
    presence[0], presence[1] = False, True
    presence[:, 1] = False
    x = images(examples, modalities, *rest)
    y = layer(x.reshape(-1, *rest), training=True, presence=presence)
    y = np.reshape(y, x.shape)
    for row in {*range(modalities)} - {1}:
        bn, has = expected[row], presence[:, row]
        np.testing.assert_allclose(y[has, row], bn(x[has, row], training=True), atol=3e-6)
        np.testing.assert_allclose(layer.moving_mean[row], bn.moving_mean, atol=1e-6)
        np.testing.assert_allclose(layer.moving_variance[row], bn.moving_variance, atol=1e-6)
    for value, old in zip(arrays(layer.weights), before, strict=True):
        np.testing.assert_array_equal(value[1], old[1])
    assert not y[~presence].any()  # what nobody has cannot grow from layer to layer


def test_gradients_are_those_of_kerass_layer_on_the_examples_that_are_there():
    layer, x = built(2), images(5, 2, 3, 4, 6)
    presence = np.array([[1, 0], [1, 1], [0, 1], [1, 0], [0, 1]], bool)
    bn, has = plain(layer, 0), presence[:, 0]
    weights = images(has.sum(), 3, 4, 6, seed=3)

    def of_first(y):
        y = keras.ops.reshape(y, x.shape)
        return keras.ops.sum(keras.ops.stack([y[i, 0] for i in np.flatnonzero(has)]) * weights)

    _, (found,) = gradients(
        layer, x.reshape(-1, 3, 4, 6), of_first, training=True, presence=presence
    )
    _, (expected,) = gradients(bn, x[has, 0], lambda y: keras.ops.sum(y * weights), training=True)
    np.testing.assert_allclose(found.reshape(x.shape)[has, 0], expected, atol=2e-6)
    assert not found.reshape(x.shape)[~presence].any()


def test_regularizers_and_constraints_act():
    layer = ModalityBatchNormalization(
        2, gamma_regularizer=keras.regularizers.L1(0.5), beta_constraint="non_neg"
    )
    layer.build((None, 4, 4, 3))
    np.testing.assert_allclose(sum(layer.losses), 3.0)  # 0.5 * 2 * 3 ones
    assert isinstance(layer.beta.constraint, keras.constraints.NonNeg)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="allowed there")
def test_synchronized_is_refused_off_tensorflow():
    with pytest.raises(ValueError, match="only for the TensorFlow backend"):
        ModalityBatchNormalization(2, synchronized=True)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="refused elsewhere")
def test_synchronized_on_one_device_changes_nothing():
    x = images(4, 5, 7, 6)
    y = built(2, synchronized=True)(x, training=True)
    np.testing.assert_allclose(y, built(2)(x, training=True), atol=2e-6)
    assert ModalityBatchNormalization(2, synchronized=True).get_config()["synchronized"]


@pytest.mark.parametrize("modalities", [0, -1, 2.0, "rgb", None])
def test_wrong_number_of_modalities(modalities):
    with pytest.raises(ValueError, match="`modalities` must be an integer of at least 1"):
        ModalityBatchNormalization(modalities)


def test_wrong_number_of_channels():
    with pytest.raises(ValueError, match="expected axis 3 of input shape to have value 6"):
        built(2)(images(4, 5, 7, 8))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow only")
def test_synchronized_over_replicas_whose_examples_have_different_modalities():
    found = run_program("tests.layers.two_replicas")
    for one, two in zip(found["one"], found["two"], strict=True):
        np.testing.assert_allclose(two, one, atol=2e-6)
        assert np.abs(one).max() > 0.1
