import keras
import numpy as np
import pytest
from keras import ops

from keras_asym.training.coupled_sgd import CoupledSGD
from tests.helpers import images

STEPS = 6


def run(optimizer, start, gradients):
    variable = keras.Variable(start, name="variable")
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([ops.convert_to_tensor(gradient)], [variable])
    return ops.convert_to_numpy(variable)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_equals_pytorch(momentum, l2):
    torch = pytest.importorskip("torch")
    start = images(4, 3)
    gradients = [images(4, 3, seed=step + 1) for step in range(STEPS)]
    parameter = torch.nn.Parameter(torch.from_numpy(start.copy()))
    reference = torch.optim.SGD([parameter], lr=0.05, momentum=momentum, weight_decay=l2)
    for gradient in gradients:
        parameter.grad = torch.from_numpy(gradient)
        reference.step()
    found = run(CoupledSGD(0.05, momentum=momentum, l2=l2), start, gradients)
    expected = parameter.detach().numpy()
    assert np.linalg.norm(found - expected) < 1e-6 * np.linalg.norm(expected)


def test_by_hand():
    """g = 1 + 0.5 * w;  m = 0.9 * m - 0.1 * g;  w = w + m."""
    found = run(CoupledSGD(0.1, momentum=0.9, l2=0.5), np.float32([2.0]), np.ones((2, 1), "f"))
    np.testing.assert_allclose(found, [2.0 - 0.2 - (0.18 + 0.19)], rtol=1e-6)


def test_is_not_the_decay_of_keras():
    start, gradients = images(4), [images(4, seed=step) for step in range(STEPS)]
    ours = run(CoupledSGD(0.05, momentum=0.9, l2=0.3), start, gradients)
    theirs = run(keras.optimizers.SGD(0.05, 0.9, weight_decay=0.3), start, gradients)
    assert np.abs(ours - theirs).max() > 0.01


def test_negative_l2():
    with pytest.raises(ValueError, match=r"Received: l2=-0\.1"):
        CoupledSGD(l2=-0.1)


def test_config():
    optimizer = CoupledSGD(0.05, momentum=0.9, l2=1e-5, nesterov=True)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is CoupledSGD and again.get_config() == optimizer.get_config()
    assert (again.l2, again.momentum, again.nesterov) == (1e-5, 0.9, True)
