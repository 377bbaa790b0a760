import keras
from keras import layers

from keras_asym.layers import PixelShuffle
from keras_asym.networks.mix_transformer import linear, patch_embedding, transformer_block

DEPTHS = (3, 4, 4, 6, 3)
"""Blocks of the encoder's five stages; TokenFusion's small network has two in each."""
_HEADS = (1, 2, 4, 8, 16)  # of each stage, which has that many times the channels of the first one
_REDUCTIONS = (16, 8, 4, 2, 1)
_EPSILONS = {"block": 1e-6, "reduction": 1e-6}
STRIDE = 32


def TransformerGenerator(
    width=64,
    depths=DEPTHS,
    decoder_depths=(1, 1, 1, 1),
    output_channels=3,
    drop_path=0.1,
    input_shape=(None, None, 3),
    name=None,
):
    """Generator of transformer blocks, written for one image.

    Five stages of overlapping patches and Mix Transformer blocks, each at half the size of the one
    before. Four times the decoder doubles the size by pixel shuffle, adds the encoder's tokens of
    that size, and goes on with blocks and a norm; a last pixel shuffle brings it to the input's
    size (TokenFusion, Wang et al. 2022, [arXiv 2204.08721](https://arxiv.org/abs/2204.08721), image
    translation). Where the source says nothing, this is the package's own choice: the number of the
    decoder's blocks, their heads and reductions (those of the encoder's stage of that size), and
    all epsilons 1e-6.

    Layers are named as in `MixTransformer`; stages 1 to 5 are the encoder, `up1` to `up5` the
    decoder.

    Args:
        width: Channels of the first stage and of each head; the others have 2, 4, 8 and 16 times as
            many. The released program has 64, the paper's text 32.
        depths: Number of blocks of each of the encoder's five stages.
        decoder_depths: Number of blocks after each of the first four enlargements.
        output_channels: Channels of the result.
        drop_path: Rate at which the encoder's last residuals are dropped; the first ones never are.
        input_shape: `(height, width, channels)`; height and width may be `None` and must be
            multiples of 32.
        name: Name of the model.

    Returns:
        Functional `keras.Model` from images to images `(batch, height, width, output_channels)` in
        [-1, 1].

    Raises:
        ValueError: If the numbers of blocks or the size of the input cannot be used.

    Example:

    >>> keras_asym.networks.TransformerGenerator(8, (1, 1, 1, 1, 1)).output.shape
    (None, None, None, 3)
    """
    for argument, given, count in (
        ("depths", depths, 5),
        ("decoder_depths", decoder_depths, 4),
    ):
        if len(given) != count or any(depth < 1 for depth in given):
            raise ValueError(
                f"`{argument}` must be {count} numbers of blocks, each at least 1. "
                f"Received: {argument}={tuple(given)}"
            )
    if any(size is not None and size % STRIDE for size in input_shape[:2]):
        raise ValueError(
            f"`input_shape` must have a height and width that are multiples of {STRIDE}. "
            f"Received: input_shape={tuple(input_shape)}"
        )
    inputs = x = keras.Input(input_shape)
    total = sum(depths)
    rates = iter(drop_path * block / max(total - 1, 1) for block in range(total))
    features = []
    for stage, depth in enumerate(depths):
        prefix, heads = f"stage{stage + 1}", _HEADS[stage]
        x = patch_embedding(x, width * heads, 3, 2, _EPSILONS["block"], prefix)
        x = _stage(x, stage, [next(rates) for _ in range(depth)], prefix)
        features.append(x)
    for step, stage in enumerate(reversed(range(4))):
        prefix = f"up{step + 1}"
        x = _enlarged(x, width * _HEADS[stage], prefix)
        x = layers.Add(name=f"{prefix}_add")([x, features[stage]])
        x = _stage(x, stage, [0.0] * decoder_depths[step], prefix)
    x = _enlarged(x, width, "up5")
    x = layers.Activation("tanh", name="tanh")(linear(output_channels, "image")(x))
    return keras.Model(inputs, x, name=name or "transformer_generator")


def _stage(x, stage, rates, prefix):
    """Blocks with these rates of stochastic depth, and a norm."""
    for block, rate in enumerate(rates, 1):
        heads, reduction = _HEADS[stage], _REDUCTIONS[stage]
        x = transformer_block(x, heads, reduction, rate, _EPSILONS, f"{prefix}_block{block}")
    return layers.LayerNormalization(epsilon=_EPSILONS["block"], name=f"{prefix}_norm")(x)


def _enlarged(x, filters, prefix):
    """Twice the size with a quarter of the channels (pixel shuffle), then a linear layer."""
    return linear(filters, f"{prefix}_proj")(PixelShuffle(name=f"{prefix}_shuffle")(x))
