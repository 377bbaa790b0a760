import keras
import numpy as np
import pytest
from keras import ops

from keras_asym.networks import FIDInception
from keras_asym.weights import load_fid_inception_checkpoint, load_fid_inception_state_dict
from tests.networks.fid_weights import shapes, state_dict


@pytest.fixture(scope="module")
def small():
    """Every published name, for the narrowest network."""
    return state_dict(shapes(FIDInception(width=2, logits=True)))


def weight(network, layer, name):
    return ops.convert_to_numpy(getattr(network.get_layer(layer), name))


def test_published_file(small, tmp_path):
    torch = pytest.importorskip("torch")
    state = {name: torch.from_numpy(value) for name, value in small.items()}
    state["Mixed_5b.branch1x1.bn.num_batches_tracked"] = torch.tensor(7)
    torch.save(state, tmp_path / "weights.pth")
    network = FIDInception(width=2, logits=True)
    load_fid_inception_checkpoint(network, tmp_path / "weights.pth")
    for layer, name, published in (
        ("Conv2d_1a_3x3_conv", "kernel", small["Conv2d_1a_3x3.conv.weight"].transpose(2, 3, 1, 0)),
        (
            "Mixed_6b_branch7x7dbl_4_conv",
            "kernel",
            small["Mixed_6b.branch7x7dbl_4.conv.weight"].transpose(2, 3, 1, 0),
        ),
        ("Mixed_5b_branch_pool_bn", "gamma", small["Mixed_5b.branch_pool.bn.weight"]),
        ("Mixed_5b_branch_pool_bn", "beta", small["Mixed_5b.branch_pool.bn.bias"]),
        ("Mixed_7c_branch3x3_2a_bn", "moving_mean", small["Mixed_7c.branch3x3_2a.bn.running_mean"]),
        (
            "Mixed_7c_branch3x3_2a_bn",
            "moving_variance",
            small["Mixed_7c.branch3x3_2a.bn.running_var"],
        ),
        ("fc", "kernel", small["fc.weight"].T),
        ("fc", "bias", small["fc.bias"]),
    ):
        np.testing.assert_array_equal(weight(network, layer, name), published)


def test_last_layer_is_left_out_without_logits(small):
    network = FIDInception(width=2)
    load_fid_inception_state_dict(network, small)
    np.testing.assert_array_equal(
        weight(network, "Mixed_7c_branch1x1_bn", "beta"), small["Mixed_7c.branch1x1.bn.bias"]
    )


def test_what_does_not_fit_is_listed_and_nothing_is_loaded(small):
    network = FIDInception(width=2, logits=True)
    before = network.get_weights()
    state = dict(small)
    del state["Mixed_6e.branch7x7_2.conv.weight"], state["fc.bias"]
    state["AuxLogits.fc.weight"] = np.zeros((4, 4))
    state["Mixed_5b.branch1x1.bn.scale"] = np.zeros(4)
    state["Conv2d_1a_3x3.conv.weight"] = np.zeros((2, 3, 3))
    state["Conv2d_2a_3x3.bn.weight"] = np.zeros(3)
    with pytest.raises(ValueError, match=r"network 'fid_inception' \(6 problems") as error:
        load_fid_inception_state_dict(network, state)
    for line in (
        "missing: Mixed_6e_branch7x7_2_conv/kernel (1, 7, 12, 12)",
        "missing: fc/bias (1008,)",
        "unexpected: AuxLogits.fc.weight (4, 4)",
        "unexpected: Mixed_5b.branch1x1.bn.scale (4,)",
        "wrong shape: Conv2d_1a_3x3.conv.weight (2, 3, 3) for Conv2d_1a_3x3_conv/kernel "
        "(3, 3, 3, 2)",
        "wrong shape: Conv2d_2a_3x3.bn.weight (3,) for Conv2d_2a_3x3_bn/gamma (2,)",
    ):
        assert line in str(error.value)
    for a, b in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_entries_that_are_no_finite_numbers_or_there_twice(small):
    network = FIDInception(width=2, logits=True)
    before = network.get_weights()
    state = dict(small)
    state["Mixed_5b.branch1x1.bn.bias"] = np.full(state["Mixed_5b.branch1x1.bn.bias"].shape, np.nan)
    state["fc.weight"] = state["fc.weight"].astype("complex64")
    state["fc.bias"] = state["fc.bias"].astype("U")
    state["Mixed_6b_branch7x7_1.bn.bias"] = state["Mixed_6b.branch7x7_1.bn.bias"]
    with pytest.raises(ValueError, match=r"network 'fid_inception' \(7 problems") as error:
        load_fid_inception_state_dict(network, state)
    for line in (
        "not usable: Mixed_5b.branch1x1.bn.bias has NaN or infinity in",
        "not usable: fc.weight has dtype complex64",
        "not usable: fc.bias has dtype <U",
        "twice: Mixed_6b_branch7x7_1.bn.bias for Mixed_6b_branch7x7_1_bn/beta",
    ):
        assert line in str(error.value)
    for a, b in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    without_logits = {name: x for name, x in small.items() if not name.startswith("fc.")}
    load_fid_inception_state_dict(FIDInception(width=2), {**without_logits, "fc.bias": "not used"})


def test_other_width(small):
    with keras.StatelessScope(initialize_variables=False):  # shapes are enough
        network = FIDInception(width=4, logits=True)
    with pytest.raises(ValueError, match="and 451 more"):
        load_fid_inception_state_dict(network, small)
