import keras
import numpy as np
import pytest

from keras_asym.fusion import condition_on_modalities
from keras_asym.networks import PatchDiscriminator
from keras_asym.ops import fold
from tests.helpers import images, tensors


def test_each_modality_beside_its_own_candidate():
    network = PatchDiscriminator(2, 6)
    model = condition_on_modalities(network, {"depth": 1, "normal": 3}, 3)
    x = {"depth": images(2, 24, 32, 1), "normal": images(2, 24, 32, 3)}
    candidates = [images(2, 24, 32, 3, seed=seed) for seed in (1, 2)]
    logits = np.array(model(tensors({**x, "candidate": fold(candidates)}))).reshape(2, 2, 1, 2)
    fitted = [np.repeat(x["depth"], 3, axis=-1), x["normal"]]
    for m in range(2):
        expected = network(np.concatenate([fitted[m], candidates[m]], axis=-1))
        np.testing.assert_allclose(logits[:, m], np.array(expected)[..., 0], atol=1e-5)


def test_everything_is_shared():
    one, three = (
        condition_on_modalities(PatchDiscriminator(2), dict.fromkeys("abc"[:count], 3), 3)
        for count in (1, 3)
    )
    assert one.count_params() == three.count_params()


def test_more_channels_get_a_projection():
    model = condition_on_modalities(PatchDiscriminator(2), {"depth": 1, "spectrum": 12}, 3)
    paths = [variable.path for variable in model.trainable_variables]
    assert "patch_discriminator_spectrum_projection/kernel" in paths


def test_a_network_without_room_for_the_modality():
    with pytest.raises(ValueError, match="more input channels than the candidate's 6"):
        condition_on_modalities(PatchDiscriminator(2, 6), {"depth": 1}, 6)


def test_channel_counts_of_numpy():
    model = condition_on_modalities(PatchDiscriminator(2, 6), {"depth": np.int64(1)}, 3)
    assert model.input["depth"].shape == (None, None, None, 1)


def test_a_network_with_its_channels_first():
    inputs = keras.Input((6, None, None))
    x = keras.layers.Conv2D(1, 3, data_format="channels_first", name="first")(inputs)
    with pytest.raises(ValueError, match=r"channels last.*'first' of 'judge'"):
        condition_on_modalities(keras.Model(inputs, x, name="judge"), {"depth": 3}, 3)


def test_a_network_with_two_inputs():
    inputs = [keras.Input((None, None, 3)) for _ in range(2)]
    network = keras.Model(inputs, keras.layers.Concatenate()(inputs), name="judge")
    with pytest.raises(ValueError, match=r"one image input.*in 'judge'"):
        condition_on_modalities(network, {"depth": 3}, 3)
