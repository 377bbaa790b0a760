import numpy as np
import pytest
from keras import ops

from keras_asym.fusion import ChannelExchanging, to_multimodal
from keras_asym.models import Segmenter
from keras_asym.networks import RefineNet, ResNet
from keras_asym.weights import load_imagenet_checkpoint, load_imagenet_state_dict
from tests.helpers import distance, images, run
from tests.weights.published import imagenet_state_dict

WIDTHS = (8, 8, 8, 8)


def torch_resnet18():
    """ResNet-18 in PyTorch (He et al. 2015), its modules named as torchvision names them."""
    torch = pytest.importorskip("torch")
    nn = torch.nn

    def convolution(inputs, outputs, size, stride=1):
        return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.conv1 = convolution(inputs, outputs, 3, stride)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = convolution(outputs, outputs, 3)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.downsample = None
            if inputs != outputs:
                self.downsample = nn.Sequential(
                    convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)
                )

        def forward(self, x):
            y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
            return (y + (x if self.downsample is None else self.downsample(x))).relu()

    class ResNet18(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = convolution(3, 64, 7, 2)
            self.bn1 = nn.BatchNorm2d(64)
            self.pool = nn.MaxPool2d(3, 2, 1)
            widths = (64, 64, 128, 256, 512)
            for stage in range(1, 5):
                inputs, outputs = widths[stage - 1], widths[stage]
                first = Block(inputs, outputs, 1 if stage == 1 else 2)
                setattr(self, f"layer{stage}", nn.Sequential(first, Block(outputs, outputs, 1)))
            self.fc = nn.Linear(512, 1000)

        def features(self, image):
            x = self.pool(self.bn1(self.conv1(image)).relu())
            for stage in range(1, 5):
                x = getattr(self, f"layer{stage}")(x)
                yield x

    torch.manual_seed(0)
    model = ResNet18().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, 0.0, 0.1)
            nn.init.normal_(module.running_mean, 0.0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return torch, model


def test_resnet_computes_what_pytorch_computes(tmp_path):
    torch, reference = torch_resnet18()
    torch.save(reference.state_dict(), tmp_path / "resnet18.pth")
    x = images(2, 48, 65, 3)
    with torch.no_grad():
        features = list(reference.features(torch.from_numpy(x.transpose(0, 3, 1, 2))))
    expected = [feature.numpy().transpose(0, 2, 3, 1) for feature in features]

    network = ResNet(18)
    load_imagenet_checkpoint(network, tmp_path / "resnet18.pth")
    for ours, theirs in zip(run(network, x), expected, strict=True):
        assert distance(ours, theirs) < 1e-5

    model = to_multimodal(ResNet(18), {"rgb": 3, "depth": 3})
    load_imagenet_checkpoint(model, tmp_path / "resnet18.pth")
    for branch in run(model, {"rgb": x, "depth": x}).values():
        for ours, theirs in zip(branch, expected, strict=True):
            assert distance(ours, theirs) < 1e-5


def refinenet():
    return RefineNet("resnet18", 5, "light", WIDTHS, input_shape=(32, 32, 3))


def multimodal(kind):
    modalities = {"rgb": 3, "depth": 1, "thermal": 4}  # the last has a projection of its own
    if kind == "to_multimodal":
        return to_multimodal(refinenet(), modalities, ChannelExchanging())
    return Segmenter(refinenet(), modalities, ChannelExchanging())


def weights_by_path(model):
    return {v.path: ops.convert_to_numpy(v) for v in model.weights}


@pytest.mark.parametrize("prefix", ["", "module."])
def test_refinenet_keeps_its_decoder(prefix):
    model = refinenet()
    before = weights_by_path(model)
    state = imagenet_state_dict(18)
    load_imagenet_state_dict(model, {prefix + name: x for name, x in state.items()})
    after = weights_by_path(model)
    np.testing.assert_array_equal(
        after["conv1_conv/kernel"], state["conv1.weight"].transpose(2, 3, 1, 0)
    )
    for path, value in after.items():
        inside = path.startswith(("conv1", "stack"))
        assert np.array_equal(value, before[path]) != inside, path


@pytest.mark.parametrize("kind", ["to_multimodal", "segmenter"])
def test_one_set_of_norms_goes_to_every_modality(kind):
    model = multimodal(kind)
    state = imagenet_state_dict(18)
    load_imagenet_state_dict(model, state)
    network = getattr(model, "network", model)
    for norm, name in (
        (network.get_layer("conv1_bn"), "bn1"),
        (network.get_layer("stack2_block0_2_bn_exchange").layer, "layer3.0.bn2"),
        (network.get_layer("stack2_block0_0_bn"), "layer3.0.downsample.1"),
    ):
        for ours, theirs in (("gamma", "weight"), ("moving_variance", "running_var")):
            value = ops.convert_to_numpy(getattr(norm, ours))
            np.testing.assert_array_equal(value, [state[f"{name}.{theirs}"]] * 3)


def test_entry_that_is_missing_or_too_much():
    model = refinenet()
    before = model.get_weights()
    state = imagenet_state_dict(18)
    del state["layer2.0.downsample.0.weight"]
    state["layer2.5.conv1.weight"] = np.zeros((1, 1, 1, 1))
    with pytest.raises(ValueError, match=r"\(2 problems") as error:
        load_imagenet_state_dict(model, state)
    assert "unexpected: layer2.5.conv1.weight (1, 1, 1, 1)" in str(error.value)
    assert "missing: stack1_block0_0_conv/kernel" in str(error.value)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_depth():
    with pytest.raises(ValueError, match=r"layer1\.0\.conv3"):
        load_imagenet_state_dict(refinenet(), imagenet_state_dict(50))
