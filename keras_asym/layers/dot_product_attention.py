import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_asym")
class DotProductAttention(keras.layers.Layer):
    """Every place of a feature map reads from all places of another one.

    `softmax(q k^T / sqrt(d)) v` for each head of d channels (Vaswani et al. 2017,
    [arXiv 1706.03762](https://arxiv.org/abs/1706.03762), equation 1), computed by Keras'
    `dot_product_attention`, which is fused where the backend can do it (JAX has none for float16 on
    CPUs). It has no weights: queries, keys and values are made by other layers. A smaller map of
    keys and values makes it the efficient self-attention of SegFormer
    ([arXiv 2105.15203](https://arxiv.org/abs/2105.15203), section 3.1).

    Args:
        num_heads: Number of heads N.

    Call arguments:
        inputs: Pair of the queries, and of keys and values in one tensor, the keys first.

    Input shape:
        `(batch, height, width, channels)` and `(batch, other_height, other_width, 2 * channels)`.

    Output shape:
        `(batch, height, width, channels)`.

    Raises:
        ValueError: If the channels cannot be divided among the heads, or the second tensor has not
            twice as many as the first.

    Example:

    >>> layer = keras_asym.layers.DotProductAttention(num_heads=2)
    >>> layer([keras.ops.ones((1, 8, 6, 4)), keras.ops.ones((1, 2, 1, 8))]).shape
    (1, 8, 6, 4)
    """

    def __init__(self, num_heads, **kwargs):
        super().__init__(**kwargs)
        if num_heads < 1:
            raise ValueError(f"`num_heads` must be positive. Received: num_heads={num_heads}")
        self.num_heads = num_heads

    def build(self, input_shape):
        queries, keys_values = input_shape
        if queries[-1] % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the channels of the queries. "
                f"Received: num_heads={self.num_heads} with {queries[-1]} channels"
            )
        if keys_values[-1] != 2 * queries[-1]:
            raise ValueError(
                "`inputs` must be queries, and keys and values with twice as many channels. "
                f"Received: inputs of shapes {tuple(queries)} and {tuple(keys_values)}"
            )

    def call(self, inputs):
        queries, keys_values = inputs
        channels = queries.shape[-1]
        size = channels // self.num_heads
        batch, height, width, _ = ops.shape(queries)

        def heads(x):
            return ops.reshape(x, (batch, -1, self.num_heads, size))

        keys, values = ops.split(keys_values, 2, axis=-1)
        x = ops.dot_product_attention(heads(queries), heads(keys), heads(values), scale=size**-0.5)
        return ops.reshape(x, (batch, height, width, channels))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads}
