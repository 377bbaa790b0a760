"""SegFormer in PyTorch, by the paper and the layer tables; modules are named as in its program."""

import pytest

HEADS, REDUCTIONS = (1, 2, 5, 8), (8, 4, 2, 1)


def torch_segformer(width=4, depths=(1, 2, 1, 1), classes=None, head_width=8, seed=0):
    """PyTorch and a module in test mode with random weights.

    Args:
        width: Channels of the first stage.
        depths: Number of blocks of each stage.
        classes: Number of classes; `None` for the encoder alone, which gives a list of features.
        head_width: Channels of the head.
        seed: Of the weights.
    """
    torch = pytest.importorskip("torch")
    nn, functional = torch.nn, torch.nn.functional

    def tokens(x):
        return x.flatten(2).transpose(1, 2)

    def image(x, height, width):
        return x.transpose(1, 2).reshape(len(x), -1, height, width)

    class Embedding(nn.Module):
        def __init__(self, inputs, outputs, size, stride):
            super().__init__()
            self.proj = nn.Conv2d(inputs, outputs, size, stride, size // 2)
            self.norm = nn.LayerNorm(outputs)

        def forward(self, x):
            x = self.proj(x)
            return self.norm(tokens(x)), *x.shape[2:]

    class Attention(nn.Module):
        def __init__(self, channels, heads, reduction):
            super().__init__()
            self.heads, self.reduction = heads, reduction
            self.q = nn.Linear(channels, channels)
            self.kv = nn.Linear(channels, 2 * channels)
            self.proj = nn.Linear(channels, channels)
            if reduction > 1:
                self.sr = nn.Conv2d(channels, channels, reduction, reduction)
                self.norm = nn.LayerNorm(channels)

        def forward(self, x, height, width):
            batch, count, channels = x.shape
            q = self.q(x).reshape(batch, count, self.heads, -1).permute(0, 2, 1, 3)
            if self.reduction > 1:
                x = self.norm(tokens(self.sr(image(x, height, width))))
            kv = self.kv(x).reshape(batch, -1, 2, self.heads, channels // self.heads)
            k, v = kv.permute(2, 0, 3, 1, 4)
            scores = q @ k.transpose(-2, -1) * (channels // self.heads) ** -0.5
            y = scores.softmax(-1) @ v
            return self.proj(y.transpose(1, 2).reshape(batch, count, channels))

    class DepthwiseConvolution(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.dwconv = nn.Conv2d(channels, channels, 3, 1, 1, groups=channels)

        def forward(self, x, height, width):
            return tokens(self.dwconv(image(x, height, width)))

    class MixFFN(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.fc1 = nn.Linear(channels, 4 * channels)
            self.dwconv = DepthwiseConvolution(4 * channels)
            self.fc2 = nn.Linear(4 * channels, channels)

        def forward(self, x, height, width):
            return self.fc2(functional.gelu(self.dwconv(self.fc1(x), height, width)))

    class Block(nn.Module):
        def __init__(self, channels, heads, reduction):
            super().__init__()
            self.norm1 = nn.LayerNorm(channels, eps=1e-6)
            self.attn = Attention(channels, heads, reduction)
            self.norm2 = nn.LayerNorm(channels, eps=1e-6)
            self.mlp = MixFFN(channels)

        def forward(self, x, height, width):
            x = x + self.attn(self.norm1(x), height, width)
            return x + self.mlp(self.norm2(x), height, width)

    class MixTransformer(nn.Module):
        def __init__(self):
            super().__init__()
            inputs = 3
            for stage, (depth, heads, reduction) in enumerate(
                zip(depths, HEADS, REDUCTIONS, strict=True), 1
            ):
                channels = heads * width
                size, stride = (7, 4) if stage == 1 else (3, 2)
                embedding = Embedding(inputs, channels, size, stride)
                blocks = [Block(channels, heads, reduction) for _ in range(depth)]
                setattr(self, f"patch_embed{stage}", embedding)
                setattr(self, f"block{stage}", nn.ModuleList(blocks))
                setattr(self, f"norm{stage}", nn.LayerNorm(channels, eps=1e-6))
                inputs = channels

        def forward(self, x):
            features = []
            for stage in range(1, 5):
                x, height, width = getattr(self, f"patch_embed{stage}")(x)
                for block in getattr(self, f"block{stage}"):
                    x = block(x, height, width)
                x = image(getattr(self, f"norm{stage}")(x), height, width)
                features.append(x)
            return features

    class Projection(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.proj = nn.Linear(channels, head_width)

        def forward(self, x):
            return image(self.proj(tokens(x)), *x.shape[2:])

    class Fuse(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(4 * head_width, head_width, 1, bias=False)
            self.bn = nn.BatchNorm2d(head_width)

        def forward(self, x):
            return self.bn(self.conv(x)).relu()

    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            for stage, heads in enumerate(HEADS, 1):
                setattr(self, f"linear_c{stage}", Projection(heads * width))
            self.linear_fuse = Fuse()
            self.linear_pred = nn.Conv2d(head_width, classes, 1)
            self.conv_seg = nn.Conv2d(128, classes, 1)  # mmsegmentation's, which nothing uses

        def forward(self, features):
            size, projected = features[0].shape[2:], []
            for stage in (4, 3, 2, 1):
                x = getattr(self, f"linear_c{stage}")(features[stage - 1])
                projected.append(functional.interpolate(x, size, mode="bilinear"))
            return self.linear_pred(self.linear_fuse(torch.cat(projected, 1)))

    class SegFormer(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone, self.decode_head = MixTransformer(), Head()

        def forward(self, x):
            return self.decode_head(self.backbone(x))

    torch.manual_seed(seed)
    module = (MixTransformer() if classes is None else SegFormer()).eval()
    for part in module.modules():
        for name, weight in part.named_parameters(recurse=False):
            if isinstance(part, nn.LayerNorm | nn.BatchNorm2d) and name == "weight":
                nn.init.uniform_(weight, 0.5, 1.5)
            elif name == "bias":
                nn.init.normal_(weight, 0.0, 0.2)
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean, 0.0, 0.2)
            nn.init.uniform_(part.running_var, 0.5, 1.5)
    return torch, module


def numpy_state_dict(module):
    return {name: x.detach().numpy() for name, x in module.state_dict().items()}


def outputs_of(torch, module, images):
    """What a module makes of images with the channels last, as arrays with these last."""
    with torch.no_grad():
        found = module(torch.from_numpy(images.transpose(0, 3, 1, 2)))
    found = found if isinstance(found, list) else [found]
    return [x.numpy().transpose(0, 2, 3, 1) for x in found]
