import keras
import numpy as np
from keras import layers

from keras_asym.layers import DotProductAttention

# Channels of the first stage, and blocks in each of the four.
_VARIANTS = {
    "b0": (32, (2, 2, 2, 2)),
    "b1": (64, (2, 2, 2, 2)),
    "b2": (64, (3, 4, 6, 3)),
    "b3": (64, (3, 4, 18, 3)),
    "b4": (64, (3, 8, 27, 3)),
    "b5": (64, (3, 6, 40, 3)),
}
VARIANTS = tuple(_VARIANTS)
_HEADS = (1, 2, 5, 8)  # of each stage, which has that many times the channels of the first one
_REDUCTIONS = (8, 4, 2, 1)
EPSILONS = {"embedding": 1e-5, "block": 1e-6, "reduction": 1e-5, "stage": 1e-6}


def MixTransformer(
    variant="b0",
    width=None,
    depths=None,
    drop_path=0.1,
    epsilons=None,
    approximate_gelu=False,
    input_shape=(None, None, 3),
    name=None,
):
    """Mix Transformer (MiT), the encoder of SegFormer, written for one image.

    Layers of stage s and block b, which count from 1: `stage1_embedding_conv`, `_norm`;
    `stage1_block1_norm1`, `_attention_query`, `_attention_reduction_conv`, `_attention_norm`,
    `_attention_key_value`, `_attention`, `_attention_proj`, `_drop_path1`, `_add1`, `_norm2`,
    `_ffn_expand`, `_ffn_depthwise_conv`, `_ffn_gelu`, `_ffn_proj`, `_drop_path2`, `_add2`; and
    `stage1_norm`. A stage whose reduction is 1, the last one, has neither `_attention_reduction`
    nor `_attention_norm`.

    Four stages of overlapping patches and of blocks of self-attention, whose keys and values are of
    a smaller map, and a feed-forward network with a depthwise convolution; no positional embedding
    (Xie et al. 2021, [arXiv 2105.15203](https://arxiv.org/abs/2105.15203)). In the layout of its
    published program: symmetric padding, no padding of the reduction (what does not fill a square
    is dropped), exact GELU, stochastic depth for each example and modality (a `Dropout` of whole
    residuals) that grows linearly over the blocks. Tokens stay maps `(batch, height, width,
    channels)`. Parameters: 3,319,392 (b0), 13,151,424 (b1), 24,196,288 (b2), 44,072,128 (b3),
    60,842,688 (b4) and 81,443,008 (b5).

    Args:
        variant: `"b0"` to `"b5"`.
        width: Channels of the first stage and of each head; the others have 2, 5 and 8 times as
            many, and as many heads. `None` is the published one, 32 for b0 and 64 otherwise.
        depths: Number of blocks of each of the four stages. `None` is the published one.
        drop_path: Rate at which the last block's residuals are dropped; the first one's never are.
        epsilons: Dictionary of some of `"embedding"`, `"block"`, `"reduction"` and `"stage"` ->
            epsilon of these norms, or one number for all. The published ones are 1e-5, 1e-6, 1e-5
            and 1e-6. Hugging Face's weights have 1e-5 everywhere, TokenFusion's 1e-6, and
            KerasHub's differ from the published ones in 1e-5 for `"stage"`.
        approximate_gelu: Whether GELU is computed by tanh, as in KerasHub.
        input_shape: `(height, width, channels)`; height and width may be `None`. Images have at
            least 29 pixels a side, of which the reduction of the first stage leaves one.
        name: Name of the model, `"mit_b0"` for b0 by default.

    Returns:
        Functional `keras.Model` whose outputs are the features of the four stages, at strides 4,
        8, 16 and 32: `ceil(height / stride)` pixels.

    Raises:
        ValueError: If an argument is not one of those above.

    Example:

    >>> [x.shape[-1] for x in keras_asym.networks.MixTransformer("b0").outputs]
    [32, 64, 160, 256]
    """
    if variant not in _VARIANTS:
        raise ValueError(
            f"`variant` must be one of {list(VARIANTS)}. Received: variant={variant!r}"
        )
    published_width, published_depths = _VARIANTS[variant]
    width = published_width if width is None else width
    depths = published_depths if depths is None else tuple(depths)
    if len(depths) != 4 or any(depth < 1 for depth in depths):
        raise ValueError(
            f"`depths` must be four numbers of blocks, each at least 1. Received: depths={depths}"
        )
    if any(size is not None and size < 29 for size in input_shape[:2]):
        raise ValueError(
            "`input_shape` must have a height and a width of at least 29 pixels: the first stage "
            f"reduces 8 x 8 tokens of stride 4 to one. Received: input_shape={input_shape}"
        )
    epsilons = _all_epsilons(epsilons)
    activation = gelu_by_tanh if approximate_gelu else "gelu"
    rates = iter(np.linspace(0, drop_path, sum(depths)).tolist())
    x = inputs = keras.Input(input_shape)
    features = []
    stages = zip(depths, _HEADS, _REDUCTIONS, strict=True)
    for stage, (depth, heads, reduction) in enumerate(stages, 1):
        prefix = f"stage{stage}"
        size, stride = (7, 4) if stage == 1 else (3, 2)
        x = patch_embedding(x, width * heads, size, stride, epsilons["embedding"], prefix)
        for block in range(depth):
            name_of_block = f"{prefix}_block{block + 1}"
            x = transformer_block(
                x, heads, reduction, next(rates), epsilons, name_of_block, activation
            )
        x = _norm(epsilons["stage"], f"{prefix}_norm")(x)
        features.append(x)
    return keras.Model(inputs, features, name=name or f"mit_{variant}")


def patch_embedding(x, filters, size, stride, epsilon, prefix):
    """Tokens of overlapping patches: a strided convolution, padded on both sides, and a norm."""
    x = layers.ZeroPadding2D(size // 2, name=f"{prefix}_embedding_pad")(x)
    x = layers.Conv2D(
        filters, size, stride, kernel_initializer=_fan_out(), name=f"{prefix}_embedding_conv"
    )(x)
    return _norm(epsilon, f"{prefix}_embedding_norm")(x)


@keras.saving.register_keras_serializable(package="keras_asym")
def gelu_by_tanh(x):
    """GELU as `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`."""
    return keras.ops.gelu(x, approximate=True)


def transformer_block(x, heads, reduction, drop_path, epsilons, prefix, activation="gelu"):
    """`x + drop(attention(norm(x)))`, then `x + drop(ffn(norm(x)))`.

    Args:
        x: Tokens `(batch, height, width, channels)`.
        heads: Number of heads.
        reduction: Keys and values are taken of squares of that many tokens a side.
        drop_path: Rate at which an example's residual is dropped.
        epsilons: Dictionary with `"block"` and `"reduction"`.
        prefix: First part of the layers' names.
        activation: Of the feed-forward network; Keras' `"gelu"` is the exact one.
    """
    y = _norm(epsilons["block"], f"{prefix}_norm1")(x)
    y = _attention(y, heads, reduction, epsilons["reduction"], f"{prefix}_attention")
    y = _drop_path(drop_path, f"{prefix}_drop_path1")(y)
    x = layers.Add(name=f"{prefix}_add1")([x, y])
    y = _norm(epsilons["block"], f"{prefix}_norm2")(x)
    y = _mix_ffn(y, activation, f"{prefix}_ffn")
    y = _drop_path(drop_path, f"{prefix}_drop_path2")(y)
    return layers.Add(name=f"{prefix}_add2")([x, y])


def linear(filters, name):
    """A linear layer on each token."""
    # PyTorch's "truncated" normal cuts at 2, a hundred standard deviations.
    normal = keras.initializers.RandomNormal(stddev=0.02)
    return layers.Dense(filters, kernel_initializer=normal, name=name)


def _attention(x, heads, reduction, epsilon, prefix):
    channels = x.shape[-1]
    queries = linear(channels, f"{prefix}_query")(x)
    if reduction > 1:  # without padding: remaining rows and columns are dropped
        name = f"{prefix}_reduction_conv"
        x = layers.Conv2D(channels, reduction, reduction, kernel_initializer=_fan_out(), name=name)(
            x
        )
        x = _norm(epsilon, f"{prefix}_norm")(x)
    keys_values = linear(2 * channels, f"{prefix}_key_value")(x)
    x = DotProductAttention(heads, name=prefix)([queries, keys_values])
    return linear(channels, f"{prefix}_proj")(x)


def _mix_ffn(x, activation, prefix):
    channels = x.shape[-1]
    x = linear(4 * channels, f"{prefix}_expand")(x)
    x = layers.DepthwiseConv2D(
        3, padding="same", depthwise_initializer=_fan_out(), name=f"{prefix}_depthwise_conv"
    )(x)
    x = layers.Activation(activation, name=f"{prefix}_gelu")(x)
    return linear(channels, f"{prefix}_proj")(x)


def _drop_path(rate, name):
    """Drops an example's whole residual, and scales that of others by `1 / (1 - rate)`."""
    return layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=name)


def _norm(epsilon, name):
    return layers.LayerNormalization(epsilon=epsilon, name=name)


def _fan_out():
    return keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")


def _all_epsilons(epsilons):
    if isinstance(epsilons, int | float):
        return dict.fromkeys(EPSILONS, float(epsilons))
    unknown = set(epsilons or ()) - set(EPSILONS)
    if unknown:
        raise ValueError(
            f"`epsilons` must be a number or have keys of {list(EPSILONS)}. "
            f"Received: epsilons={epsilons}"
        )
    return {**EPSILONS, **(epsilons or {})}
