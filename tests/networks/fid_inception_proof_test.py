"""FIDInception, FID and KID against torch-fidelity itself, with the same random weights.

Installed as usual, torch-fidelity draws torchvision, which draws another build of PyTorch; what is
compared here needs neither. Install it beside the environment:

    pip install --no-deps --target=build/torch-fidelity torch-fidelity==0.4.0
    PYTHONPATH=build/torch-fidelity python -m pytest -s -m slow \\
        tests/networks/fid_inception_proof_test.py

`python -m tests.networks.fid_inception_proof_test`, with the same PYTHONPATH, writes
tests/data/fid_inception.npz anew, from torch-fidelity's outputs alone.
"""

import importlib
import importlib.util
import sys
import types

import keras
import numpy as np
import pytest

from keras_asym.metrics import FrechetDistance, KernelDistance
from keras_asym.networks import FIDInception
from keras_asym.weights import load_fid_inception_checkpoint
from tests.helpers import distance, run
from tests.metrics.given_features import SETS, given_features
from tests.networks.fid_inception_test import PUBLISHED, layer_outputs
from tests.networks.fid_weights import image, sample, shapes, state_dict

pytestmark = pytest.mark.slow


def fidelity(name):
    """A module of torch-fidelity, loaded without those that import torchvision."""
    if "torch_fidelity" not in sys.modules:
        spec = importlib.util.find_spec("torch_fidelity")
        if spec is None:
            pytest.skip(__doc__)
        sys.modules["torch_fidelity"] = package = types.ModuleType("torch_fidelity")
        package.__path__ = spec.submodule_search_locations
        # Reading of data and caching, of which the metrics' modules import names only.
        sys.modules["torch_fidelity.utils"] = utils = types.ModuleType("torch_fidelity.utils")
        utils.__getattr__ = lambda name: None
    return importlib.import_module(f"torch_fidelity.{name}")


def published_outputs(path, images):
    """torch-fidelity's network on a weight file: outputs of all its units, blocks and pools."""
    import torch

    module = fidelity("feature_extractor_inceptionv3")
    network = module.FeatureExtractorInceptionV3(
        "inception", ["2048", "logits"], feature_extractor_weights_path=str(path)
    )
    outputs = {}

    def record(name):
        def hook(module, inputs, output):
            outputs[name] = output.permute(0, 2, 3, 1).numpy().copy()

        return hook

    for name, child in network.named_modules():
        if (type(child).__name__ not in ("Conv2d", "BatchNorm2d", "Linear") and "." in name) or (
            name.startswith(("Conv2d", "MaxPool", "Mixed")) and "." not in name
        ):
            child.register_forward_hook(record(name))
    outputs["features"], outputs["fc"] = (
        x.numpy() for x in network(torch.from_numpy(images).permute(0, 3, 1, 2))
    )
    return outputs


def write_weights(path):
    import torch

    with keras.StatelessScope(initialize_variables=False):
        values = state_dict(shapes(FIDInception(logits=True)))
    torch.save({name: torch.from_numpy(value) for name, value in values.items()}, path)


def test_every_layer(tmp_path):
    path = tmp_path / "weights.pth"
    write_weights(path)
    network = FIDInception(logits=True)
    load_fid_inception_checkpoint(network, path)
    large = np.random.default_rng(1).integers(0, 256, (2, 341, 300, 3), "uint8")
    for images in (image(), large):
        theirs = published_outputs(path, images)
        ours = run(layer_outputs(network), images.astype("float32"))
        assert set(ours) == set(theirs) and len(ours) == 94 + 11 + 2 + 2
        distances = {}
        for name, values in theirs.items():
            distances[name] = distance(keras.ops.convert_to_numpy(ours[name]), values)
        worst = max(distances, key=distances.get)
        print(f"{images.shape}: largest relative L2 {distances[worst]:.2g} ({worst})")
        assert distances[worst] < 1e-4


def test_the_stored_outputs_are_theirs(tmp_path):
    write_weights(tmp_path / "weights.pth")
    theirs = published_outputs(tmp_path / "weights.pth", image())
    with np.load(PUBLISHED) as stored:
        assert set(stored.files) == set(theirs)
        for name, values in theirs.items():
            assert distance(stored[name], sample(values)) < 1e-5


@pytest.mark.parametrize("name", SETS)
def test_frechet_distance(name):
    import torch

    module = fidelity("metric_fid")
    real, generated = given_features(name)
    statistics = [module.fid_features_to_statistics(torch.from_numpy(x)) for x in (real, generated)]
    theirs = module.fid_statistics_to_metric(*statistics, verbose=False)
    theirs = theirs["frechet_inception_distance"]
    ours = FrechetDistance()
    for start in range(0, 500, 37):
        ours.update(real[start : start + 37], generated[start : start + 37])
    print(f"{name}: {ours.result()!r}, torch-fidelity {theirs!r}")
    assert ours.result() == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("name", SETS)
def test_kernel_distance(name):
    import torch

    module = fidelity("metric_kid")
    real, generated = given_features(name)
    theirs = module.kid_features_to_metric(
        torch.from_numpy(real),
        torch.from_numpy(generated),
        kid_subsets=20,
        kid_subset_size=50,
        verbose=False,
    )
    ours = KernelDistance(subsets=20, subset_size=50)
    ours.update(real, generated)
    found = ours.result()
    print(f"{name}: {found}, torch-fidelity {theirs}")
    assert found["mean"] == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-6)
    assert found["standard_deviation"] == pytest.approx(
        theirs["kernel_inception_distance_std"], rel=1e-6
    )


if __name__ == "__main__":
    import pathlib
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write_weights(pathlib.Path(folder) / "weights.pth")
        made = published_outputs(pathlib.Path(folder) / "weights.pth", image())
    np.savez_compressed(PUBLISHED, **{name: sample(x) for name, x in made.items()})
