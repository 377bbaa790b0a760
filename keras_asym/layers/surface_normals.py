import keras
from keras import ops

_NEAREST = 1e-3  # what is not farther, in the unit of the depth, is not measured


@keras.saving.register_keras_serializable(package="keras_asym")
class SurfaceNormals(keras.layers.Layer):
    """Surface normals of a depth image, for a network that expects three channels.

    The disparity `q = 1 / depth` of a plane is linear in the pixel's coordinates `(u, v)`: its
    normal is `(f q_u, f q_v, q - u q_u - v q_v)`, with coordinates from the image's centre and the
    focal length f in pixels, and has length 1 here. Slopes are Sobel's. x points to the right, y
    down, z away from the camera. No camera is asked for: the focal length is a number of image
    widths, and a crop is seen as an image of its own. Both are this package's choice. Normals know
    neither the distance nor the unit of the depth.

    Args:
        mean, std: The depth is `inputs * std + mean`: what has been done to it before is undone.
        focal_length: In image widths. 1 is a horizontal field of view of 53 degrees, as cameras of
            depth have it (NYUDv2: 0.81).

    Input shape:
        `(batch, height, width, channels)`, depth in the first channel; what follows, such as a
        channel of validity, is not looked at. An input of exactly 0 is not measured: recipes put it
        into holes and around images. Nor is a depth of at most 0.001.

    Output shape:
        `(batch, height, width, 3)`; zeros where the pixel or one of its neighbours is not measured.

    Raises:
        ValueError: If `std` or `focal_length` is not positive.

    Example:

    >>> wall = 2 * keras.ops.ones((1, 4, 4, 1))  # two metres in front of the camera
    >>> np.asarray(keras_asym.layers.SurfaceNormals()(wall))[0, 0, 0].tolist()
    [0.0, 0.0, 1.0]
    """

    def __init__(self, mean=0.0, std=1.0, focal_length=1.0, **kwargs):
        super().__init__(**kwargs)
        for name, value in (("std", std), ("focal_length", focal_length)):
            if not value > 0:
                raise ValueError(f"`{name}` must be positive. Received: {name}={value}")
        self.mean = mean
        self.std = std
        self.focal_length = focal_length

    def call(self, inputs):
        inputs = inputs[..., :1]
        # Differences of half precision would be rounded to steps.
        depth = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        depth = depth * self.std + self.mean
        hole = ops.logical_or(inputs == 0, depth <= _NEAREST)
        disparity = ops.where(hole, ops.ones_like(depth), 1 / ops.maximum(depth, _NEAREST))
        height, width = ops.shape(depth)[1:3]
        by_row, by_column = _slope(disparity, 1), _slope(disparity, 2)
        v = ops.cast(ops.arange(height), depth.dtype)[:, None, None]
        u = ops.cast(ops.arange(width), depth.dtype)[:, None]
        size = [ops.cast(x, depth.dtype) for x in (height, width)]
        v, u = v - (size[0] - 1) / 2, u - (size[1] - 1) / 2
        focal = self.focal_length * size[1]
        z = disparity - u * by_column - v * by_row
        normal = ops.concatenate([focal * by_column, focal * by_row, z], axis=-1)
        normal = normal * ops.rsqrt(ops.sum(normal * normal, axis=-1, keepdims=True) + 1e-12)
        beside_hole = ops.max_pool(ops.cast(hole, depth.dtype), 3, 1, padding="same") > 0
        normal = ops.where(beside_hole, ops.zeros_like(normal), normal)
        return ops.cast(normal, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 3)

    def get_config(self):
        return {
            **super().get_config(),
            "mean": self.mean,
            "std": self.std,
            "focal_length": self.focal_length,
        }


def _slope(x, axis):
    """Sobel's slope along an axis, by pixels; edges are continued linearly."""
    other = 3 - axis
    x = _continued(x, other)
    x = (_part(x, other, 0, -2) + 2 * _part(x, other, 1, -1) + _part(x, other, 2, None)) / 4
    x = _continued(x, axis)
    return (_part(x, axis, 2, None) - _part(x, axis, 0, -2)) / 2


def _continued(x, axis):
    """One pixel more at both ends of an axis, on the line through the last two."""
    first, second = _part(x, axis, 0, 1), _part(x, axis, 1, 2)
    last, before = _part(x, axis, -1, None), _part(x, axis, -2, -1)
    if x.shape[axis] == 1:
        return ops.concatenate([x, x, x], axis=axis)
    return ops.concatenate([2 * first - second, x, 2 * last - before], axis=axis)


def _part(x, axis, start, stop):
    return x[:, start:stop] if axis == 1 else x[:, :, start:stop]
