import keras

from keras_asym.ops import resize_bilinear


@keras.saving.register_keras_serializable(package="keras_asym")
class ResizeLike(keras.layers.Layer):
    """Resizes a feature map bilinearly to the height and width of another one.

    Args:
        align_corners: If `True`, the centres of the corner pixels coincide (RefineNet's decoder);
            otherwise pixels are areas with half-pixel centres.

    Call arguments:
        inputs: Pair of the tensor to resize and the tensor whose size it gets.

    Input shape:
        `(batch, height, width, channels)` and `(batch, new_height, new_width, any)`.

    Output shape:
        `(batch, new_height, new_width, channels)`.

    Example:

    >>> small, large = keras.ops.ones((1, 6, 9, 5)), keras.ops.ones((1, 11, 17, 1))
    >>> keras_asym.layers.ResizeLike()([small, large]).shape
    (1, 11, 17, 5)
    """

    def __init__(self, align_corners=False, **kwargs):
        super().__init__(**kwargs)
        self.align_corners = align_corners

    def call(self, inputs):
        x, like = inputs
        return resize_bilinear(x, keras.ops.shape(like)[1:3], self.align_corners)

    def compute_output_shape(self, input_shape):
        shape, like = input_shape
        return (shape[0], like[1], like[2], shape[3])

    def get_config(self):
        return {**super().get_config(), "align_corners": self.align_corners}
