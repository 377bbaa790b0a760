"""State dicts as the papers' programs and torchvision name them, values made from the names."""

import zlib

import numpy as np

_BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}


def reference_state_dict(modalities=2, **kwargs):
    """Arrays of a published segmentation network, by name."""
    return _arrays(reference_shapes(modalities, **kwargs))


def imagenet_state_dict(depth=18):
    """Arrays of a torchvision ResNet, by name."""
    shapes = _encoder_shapes(depth, "", [""])
    shapes.update({"fc.weight": (1000, 2048 if depth == 50 else 512), "fc.bias": (1000,)})
    return _arrays(shapes)


def reference_shapes(modalities=2, depth=50, classes=40, widths=(512, 256, 256, 256)):
    """`{published name: shape}` of a RefineNet with private norms."""
    shapes = _encoder_shapes(depth, ".module", [f".bn_{m}" for m in range(modalities)])
    shapes["alpha"] = (modalities,)
    channels = (2048, 1024, 512, 256) if depth == 50 else (512, 256, 128, 64)

    def convolution(name, filters, inputs, bias=False):
        shapes[f"{name}.module.weight"] = (filters, inputs, 3, 3)
        if bias:
            shapes[f"{name}.module.bias"] = (filters,)

    for k, (width, inputs) in enumerate(zip(widths, channels, strict=True), start=1):
        convolution(f"p_ims1d2_outl{k}_dimred", width, inputs)
        for units, prefix in ((2, f"adapt_stage{k}_b"), (3, f"mflow_conv_g{k}_b")):
            for unit in range(1, units + 1):
                convolution(f"{prefix}.0.{unit}_conv", width, width, bias=True)
                convolution(f"{prefix}.0.{unit}_conv_relu_varout_dimred", width, width)
        for index in range(1, 5):
            convolution(f"mflow_conv_g{k}_pool.0.{index}_outvar_dimred", width, width)
        if k > 1:
            convolution(f"adapt_stage{k}_b2_joint_varout_dimred", width, width)
        if k < 4:
            convolution(f"mflow_conv_g{k}_b3_joint_varout_dimred", widths[k], width)
    convolution("clf_conv", classes, widths[3], bias=True)
    return shapes


def translator_state_dict(modalities=2, **kwargs):
    """Arrays of a published translation network, by name with the network's prefix."""
    shapes = translator_shapes(modalities, **kwargs)
    # The rule of the golden numbers knows alpha without a prefix.
    return {
        name: array("alpha" if name == "generator.alpha" else name, shape)
        for name, shape in shapes.items()
    }


def translator_shapes(modalities=2, filters=8, depth=8):
    """`{published name: shape}` of a generator and a discriminator, unused entries included."""
    shapes = {"generator.alpha": (modalities,)}
    widths = [3, *(filters * min(2**block, 8) for block in range(depth))]

    def norm(name, channels):
        for kind in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{kind}"] = (channels,)
        shapes[f"{name}.num_batches_tracked"] = ()

    def block(name, kernel, channels):
        shapes[f"generator.{name}.{name[:-1]}.module.weight"] = (*kernel, 4, 4)
        shapes[f"generator.{name}.{name[:-1]}.module.bias"] = (channels,)
        for m in range(modalities):
            norm(f"generator.{name}.insnorm_{name[:-1]}.insnorm_{m}", channels)

    for index in range(1, depth + 1):
        block(f"conv{index}", (widths[index], widths[index - 1]), widths[index])
        channels = widths[depth - index]
        inputs = widths[depth] if index == 1 else 2 * widths[depth - index + 1]
        block(f"deconv{index}", (inputs, channels), channels)
    widths = [6, filters, 2 * filters, 4 * filters, 8 * filters, 1]
    for index in range(1, 6):
        prefix = f"discriminator.conv{index}"
        shapes[f"{prefix}.conv.module.weight"] = (widths[index], widths[index - 1], 4, 4)
        shapes[f"{prefix}.conv.module.bias"] = (widths[index],)
        norm(f"{prefix}.insnorm.module", widths[index])
    return shapes


def _encoder_shapes(depth, convolution, norms):
    bottleneck, shapes = depth >= 50, {}

    def add(name, filters, inputs, size, norm):
        shapes[f"{name}{convolution}.weight"] = (filters, inputs, size, size)
        for row in norms:
            for kind in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{norm}{row}.{kind}"] = (filters,)
            shapes[f"{norm}{row}.num_batches_tracked"] = ()

    add("conv1", 64, 3, 7, "bn1")
    inputs = 64
    for stage, count in enumerate(_BLOCKS[depth]):
        filters = 64 * 2**stage
        outputs = 4 * filters if bottleneck else filters
        sizes = (1, 3, 1) if bottleneck else (3, 3)
        widths = (filters, filters, outputs)[-len(sizes) :]
        for block in range(count):
            prefix = f"layer{stage + 1}.{block}"
            if inputs != outputs:
                add(f"{prefix}.downsample.0", outputs, inputs, 1, f"{prefix}.downsample.1")
            for index, (size, width) in enumerate(zip(sizes, widths, strict=True), start=1):
                add(f"{prefix}.conv{index}", width, inputs, size, f"{prefix}.bn{index}")
                inputs = width
    return shapes


def _arrays(shapes):
    return {name: array(name, shape) for name, shape in shapes.items()}


def generator(name):
    """The random numbers that belong to a name; the golden numbers were computed with these."""
    return np.random.default_rng([7, zlib.crc32(name.encode())])


def array(name, shape):
    """The value of a parameter, made from its name."""
    rng = generator(name)
    if name.endswith("num_batches_tracked"):
        value = np.zeros(shape)
    elif name.endswith("running_var"):
        value = rng.uniform(0.5, 1.5, shape)
    elif name.endswith("running_mean"):
        value = 0.1 * rng.standard_normal(shape)
    elif name == "alpha":
        value = 0.5 * rng.standard_normal(shape)
    elif len(shape) == 1 and name.endswith("weight"):  # gamma, a quarter below the threshold
        kept, chance, small = (rng.uniform(*x, shape) for x in ((0.2, 1), (0, 1), (0, 0.019)))
        value = np.where(chance < 0.25, small, kept)
    elif len(shape) == 1:
        value = 0.1 * rng.standard_normal(shape)
    else:
        value = np.sqrt(0.5 / np.prod(shape[1:])) * rng.standard_normal(shape)
    return np.asarray(value, "float32")
