import itertools

import numpy as np
import pytest

from keras_asym.layers import TokenScores
from tests.helpers import arrays, images, randomize
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    def make(self, modalities):
        return TokenScores(modalities)


def built(modalities, channels):
    layer = TokenScores(modalities)
    layer.build((None, None, None, channels))
    return layer


def published(torch, layer, row):
    """The score predictor of one modality in PyTorch, with the weights of a row."""
    nn = torch.nn
    channels = layer.kernels[0].shape[1]
    sizes = [channels, channels, channels // 2, channels // 4, 2]
    modules = [nn.LayerNorm(channels)]
    for place, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        modules += [nn.GELU()] if place else []
        modules.append(nn.Linear(inputs, outputs))
    modules.append(nn.LogSoftmax(dim=-1))
    linear = [x for x in modules if isinstance(x, nn.Linear)]
    with torch.no_grad():
        for module, weight, bias in (
            (modules[0], layer.norm.gamma, layer.norm.beta),
            *zip(linear, layer.kernels, layer.biases, strict=True),
        ):
            module.weight.copy_(torch.tensor(arrays(weight)[0][row].T))
            module.bias.copy_(torch.tensor(arrays(bias)[0][row]))
    network = nn.Sequential(*modules)
    return lambda x: torch.softmax(network(torch.tensor(x)), -1)[..., :1].detach().numpy()


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_the_published_predictor(modalities):
    torch = pytest.importorskip("torch")
    layer = randomize(built(modalities, 12))
    x = images(2, modalities, 3, 4, 12)
    scores = np.reshape(layer(x.reshape(-1, 3, 4, 12)), (2, modalities, 3, 4, 1))
    for row in range(modalities):
        np.testing.assert_allclose(
            scores[:, row], published(torch, layer, row)(x[:, row]), atol=1e-6
        )
    assert np.ptp(scores) > 0.1


@pytest.mark.parametrize(
    ("channels", "parameters"),
    [((64, 128, 320, 512), 630_024), ((32, 64, 160, 256), 158_600)],
)
def test_number_of_parameters(channels, parameters):
    """Of the four stages of B2 and B0, for each modality."""
    for modalities in (1, 2):
        counts = [built(modalities, c).count_params() for c in channels]
        assert sum(counts) == modalities * parameters


def test_scores_at_the_start_are_about_a_half():
    scores = arrays(built(2, 32)(images(4, 5, 6, 32)))[0]
    assert abs(scores - 0.5).max() < 0.01
