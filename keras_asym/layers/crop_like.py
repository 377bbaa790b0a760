import keras


@keras.saving.register_keras_serializable(package="keras_asym")
class CropLike(keras.layers.Layer):
    """Crops a feature map to the height and width of another one, at the bottom and the right.

    Behind a transposed convolution with stride 2 and padding `"same"` this gives what TensorFlow's
    operation gives for that output size: a decoder's features fit the encoder's for images of any
    size, while nothing changes where sizes are multiples of the stride.

    Call arguments:
        inputs: Pair of the tensor to crop and the tensor whose size it gets.

    Input shape:
        `(batch, height, width, channels)` and `(batch, new_height, new_width, any)`, which are not
        larger.

    Output shape:
        `(batch, new_height, new_width, channels)`.

    Example:

    >>> large, small = keras.ops.ones((1, 6, 8, 5)), keras.ops.ones((1, 5, 8, 1))
    >>> keras_asym.layers.CropLike()([large, small]).shape
    (1, 5, 8, 5)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def call(self, inputs):
        x, like = inputs
        height, width = keras.ops.shape(like)[1:3]
        return x[:, :height, :width]

    def compute_output_shape(self, input_shape):
        shape, like = input_shape
        return (shape[0], like[1], like[2], shape[3])
