"""RefineNet with channel exchange in plain PyTorch, as one would write it: what this package's
training is timed beside.

Written from the papers' text (CEN, [arXiv 2011.05005](https://arxiv.org/abs/2011.05005)): a list of
one tensor `(batch, channels, height, width)` for each modality goes through layers that are called
on each; convolutions are shared, norms are private. The layers bear the names of this package's, so
that `copy_weights` needs no table.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


class PlainRefineNet(nn.Module):
    """RefineNet on a list of images, which gives the list of logits and their ensemble last.

    Args:
        depth: 50, 101 or 152.
        num_classes: Number of classes.
        modalities: Number of modalities M.
        width: Channels of the stem.
        widths: Channels of the refinement stages, from stride 32 to 4.
        dropout: Rate of the dropout.
        threshold: Gammas below it are exchanged.
        frozen: Whether the norms' statistics are kept in training too.
    """

    def __init__(
        self,
        depth=101,
        num_classes=40,
        modalities=2,
        width=64,
        widths=(512, 256, 256, 256),
        dropout=0.5,
        threshold=2e-2,
        frozen=False,
    ):
        super().__init__()
        self.depth, self.num_classes, self.modalities = depth, num_classes, modalities
        self.width, self.widths, self.dropout = width, widths, dropout
        self.threshold, self.frozen = threshold, frozen
        self.layers = nn.ModuleDict()
        self.alpha = nn.Parameter(torch.ones(modalities))
        with torch.no_grad():  # makes the layers
            self([torch.zeros(1, 3, 64, 64)] * modalities)

    def train(self, mode=True):
        super().train(mode)
        if self.frozen:
            for layer in self.layers.values():
                if isinstance(layer, nn.ModuleList):
                    layer.eval()
        return self

    def forward(self, images):
        x = self._convolution("conv1_conv", images, self.width, 7, 2)
        x = _relu(self._norm("conv1_bn", x))
        x = [functional.max_pool2d(t, 3, 2, 1) for t in x]
        features = []
        for stage, count in enumerate(BLOCKS[self.depth]):
            for block in range(count):
                stride = 2 if stage and not block else 1
                x = self._bottleneck(f"stack{stage}_block{block}", x, stage, stride)
            features.append(x)
        coarser = None
        for index, width in enumerate(self.widths):
            coarser = self._refinement(4 - index, features[3 - index], coarser, width, index)
        x = self._convolution("classifier", self._dropped(coarser), self.num_classes, 3, bias=True)
        shares = torch.softmax(self.alpha, 0)
        return [*x, sum(share * t.detach() for share, t in zip(shares, x, strict=True))]

    def _bottleneck(self, name, x, stage, stride):
        filters = self.width * 2**stage
        shortcut = x
        if x[0].shape[1] != 4 * filters:
            shortcut = self._convolution(f"{name}_0_conv", x, 4 * filters, 1, stride)
            shortcut = self._norm(f"{name}_0_bn", shortcut)
        x = _relu(self._norm(f"{name}_1_bn", self._convolution(f"{name}_1_conv", x, filters, 1)))
        x = self._convolution(f"{name}_2_conv", x, filters, 3, stride)
        x = _relu(self._exchanged(f"{name}_2_bn", self._norm(f"{name}_2_bn", x)))
        x = self._norm(f"{name}_3_bn", self._convolution(f"{name}_3_conv", x, 4 * filters, 1))
        return _relu(_sums(x, shortcut))

    def _refinement(self, stage, x, coarser, width, index):
        name = f"refine{stage}"
        x = self._dropped(x) if stage >= 3 else x
        x = self._convolution(f"{name}_adapt_conv", x, width, 3)
        x = self._units(f"{name}_adapt", x, 2)
        if coarser is not None:
            x = self._convolution(f"{name}_joint_conv", x, width, 3)
            x = _sums(x, [_resized(t, x[0].shape[2:], True) for t in coarser])
        x = top = _relu(x)
        for pooling in range(4):
            top = [functional.max_pool2d(t, 5, 1, 2) for t in top]
            top = self._convolution(f"{name}_pool{pooling}_conv", top, width, 3)
            x = _sums(x, top)
        x = self._units(f"{name}_output", x, 3)
        if stage > 1:
            x = self._convolution(f"{name}_output_conv", x, self.widths[index + 1], 3)
        return x

    def _units(self, name, x, count):
        for unit in range(count):
            x = _relu(x)
            y = self._convolution(f"{name}_unit{unit}_1_conv", x, x[0].shape[1], 3, bias=True)
            x = _sums(x, self._convolution(f"{name}_unit{unit}_2_conv", _relu(y), x[0].shape[1], 3))
        return x

    def _dropped(self, x):
        return [functional.dropout(t, self.dropout, self.training) for t in x]

    def _convolution(self, name, x, filters, size, stride=1, bias=False):
        if name not in self.layers:
            self.layers[name] = nn.Conv2d(
                x[0].shape[1], filters, size, stride, size // 2, bias=bias
            )
        return [self.layers[name](t) for t in x]

    def _norm(self, name, x):
        if name not in self.layers:
            norms = [nn.BatchNorm2d(x[0].shape[1], eps=1e-5) for _ in x]
            self.layers[name] = nn.ModuleList(norms)
        return [norm(t) for norm, t in zip(self.layers[name], x, strict=True)]

    def _exchanged(self, name, x):
        """Of two modalities, each takes the other's channels where its gamma is small (Eq. 6)."""
        keep = [norm.weight.abs() >= self.threshold for norm in self.layers[name]]
        keep = [k[None, :, None, None] for k in keep]
        return [torch.where(keep[0], x[0], x[1]), torch.where(keep[1], x[1], x[0])]

    def penalty(self, l1):
        """L1 on each modality's half of the gammas of the exchanged norms (Eq. 4)."""
        total = 0.0
        for name, layer in self.layers.items():
            if name.startswith("stack") and name.endswith("_2_bn"):
                half = layer[0].weight.shape[0] // 2
                shares = layer[0].weight[:half], layer[1].weight[half:]
                total = total + l1 * sum(share.abs().sum() for share in shares)
        return total

    def loss(self, images, labels, l1):
        """Sum of the cross-entropies at the labels' size, void left out, and the penalty."""
        outputs = [_resized(x, labels.shape[1:], False) for x in self(images)]
        losses = [functional.cross_entropy(x, labels, ignore_index=255) for x in outputs]
        return sum(losses) + self.penalty(l1)


def _relu(x):
    return [functional.relu_(t) for t in x]


def _sums(a, b):
    return [s + t for s, t in zip(a, b, strict=True)]


def _resized(x, size, align_corners):
    return functional.interpolate(x, size, mode="bilinear", align_corners=align_corners)


def copy_weights(network, plain):
    """Gives a `PlainRefineNet` the weights of this package's network.

    Args:
        network: What `to_multimodal` has made of a `RefineNet`.
        plain: `PlainRefineNet` of the same sizes.

    Raises:
        ValueError: If either has weights that the other has not.
    """
    left = dict(plain.named_parameters())
    for layer in network.layers:
        norm = getattr(layer, "layer", layer)  # inside of a ChannelExchange
        if hasattr(layer, "alpha"):
            pairs = {"alpha": layer.alpha}
        elif hasattr(norm, "moving_mean"):
            pairs = {}
            for row, own in enumerate(plain.layers[norm.name]):
                pairs[f"layers.{norm.name}.{row}.weight"] = np.asarray(norm.gamma)[row]
                pairs[f"layers.{norm.name}.{row}.bias"] = np.asarray(norm.beta)[row]
                _assign(own.running_mean, np.asarray(norm.moving_mean)[row])
                _assign(own.running_var, np.asarray(norm.moving_variance)[row])
        elif hasattr(layer, "kernel"):
            kernel = np.transpose(np.asarray(layer.kernel), (3, 2, 0, 1))
            pairs = {f"layers.{layer.name}.weight": kernel}
            if layer.use_bias:
                pairs[f"layers.{layer.name}.bias"] = np.asarray(layer.bias)
        elif layer.weights:
            raise ValueError(f"`plain` must have the weights of '{layer.name}'. Received: none")
        else:
            continue
        for name, value in pairs.items():
            _assign(left.pop(name), np.asarray(value))
    if left:
        raise ValueError(f"`network` must have all weights. Received: none for {sorted(left)}")


def _assign(tensor, value):
    with torch.no_grad():
        tensor.copy_(torch.tensor(value))
