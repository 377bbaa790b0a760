import keras


@keras.saving.register_keras_serializable(package="keras_asym")
class PersistentDropout(keras.layers.Dropout):
    """Dropout that can stay on at test time.

    Image translation takes its only noise from the generator's dropout, at test time too (pix2pix,
    [arXiv 1611.07004](https://arxiv.org/abs/1611.07004); as in the published runs of CEN,
    [arXiv 2011.05005](https://arxiv.org/abs/2011.05005)).

    Args:
        rate: Share of the entries that are set to zero.
        at_test: Whether entries are dropped outside training, too. Can be changed later:
            `layer.at_test = False`.
        noise_shape: As in `keras.layers.Dropout`.
        seed: Integer seed.

    Call arguments:
        inputs: Tensor of any shape.
        training: Whether entries are dropped if `at_test` is `False`.

    Input shape:
        Any, such as `(batch * modalities, height, width, channels)`.

    Output shape:
        That of the input.

    Example:

    >>> layer = keras_asym.layers.PersistentDropout(0.5)
    >>> bool(keras.ops.all(layer(keras.ops.ones((8, 8))) > 0))
    False
    """

    def __init__(self, rate, at_test=True, noise_shape=None, seed=None, **kwargs):
        super().__init__(rate, noise_shape=noise_shape, seed=seed, **kwargs)
        self.at_test = at_test

    def call(self, inputs, training=None):
        return super().call(inputs, training=training or self.at_test)

    def get_config(self):
        return {**super().get_config(), "at_test": self.at_test}
