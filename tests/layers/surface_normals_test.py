import numpy as np
import pytest
from keras import ops

from keras_asym.layers import SurfaceNormals
from tests.helpers import images
from tests.layers.contract import LayerContract

HEIGHT, WIDTH, FOCAL = 12, 16, 0.8


def plane(normal, distance=2.0):
    """Depth of the plane `normal . P = distance` through a pinhole camera, by ray casting."""
    v, u = np.mgrid[:HEIGHT, :WIDTH].astype("float64")
    focal = FOCAL * WIDTH
    rays = np.stack([(u - (WIDTH - 1) / 2) / focal, (v - (HEIGHT - 1) / 2) / focal], -1)
    rays = np.concatenate([rays, np.ones((HEIGHT, WIDTH, 1))], -1)
    return (distance / (rays @ np.asarray(normal)))[None, ..., None].astype("float32")


class TestContract(LayerContract):
    def make(self, modalities):
        return SurfaceNormals(mean=0.1, std=0.9, focal_length=0.5)

    def inputs(self, modalities, height=5, width=6):
        return images(4 * modalities, height, width, 2)


@pytest.mark.parametrize("normal", [(0, 0, 1), (0.6, 0, 0.8), (0, -0.6, 0.8), (0.48, 0.6, 0.64)])
@pytest.mark.parametrize("scale", [1, 1000])
def test_normals_of_planes_are_exact_up_to_the_border(normal, scale):
    layer = SurfaceNormals(focal_length=FOCAL)
    found = ops.convert_to_numpy(layer(scale * plane(normal)))
    np.testing.assert_allclose(found, np.broadcast_to(normal, found.shape), atol=1e-4)


def test_standardized_depth_is_taken_back():
    depth = plane((0.6, 0, 0.8))
    layer = SurfaceNormals(2.5, 1.2, FOCAL)
    found = layer((depth - 2.5) / 1.2)
    np.testing.assert_allclose(found, SurfaceNormals(focal_length=FOCAL)(depth), atol=1e-5)


def test_nothing_is_said_beside_what_is_not_measured():
    depth = plane((0.6, 0, 0.8)) - 2.0
    depth[0, 4, 5] = 0
    found = ops.convert_to_numpy(SurfaceNormals(mean=2.0, focal_length=FOCAL)(depth))
    empty = np.zeros((HEIGHT, WIDTH), bool)
    empty[3:6, 4:7] = True
    np.testing.assert_array_equal((found == 0).all(-1)[0], empty)
    measured = found[0][~empty]
    np.testing.assert_allclose(measured, np.broadcast_to((0.6, 0, 0.8), measured.shape), atol=1e-4)


def test_behind_the_camera_nothing_is_measured():
    depth = np.full((1, 5, 5, 1), -1.0, "float32")
    np.testing.assert_array_equal(SurfaceNormals()(depth), np.zeros((1, 5, 5, 3)))


def test_a_channel_of_validity_is_not_looked_at():
    depth = plane((0.6, 0, 0.8))
    both = np.concatenate([depth, np.ones_like(depth)], -1)
    np.testing.assert_array_equal(SurfaceNormals()(both), SurfaceNormals()(depth))


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (2, 1)])
def test_smallest_images(size):
    found = ops.convert_to_numpy(SurfaceNormals()(np.full((1, *size, 1), 3.0, "float32")))
    np.testing.assert_allclose(found, np.broadcast_to((0.0, 0, 1), (1, *size, 3)), atol=1e-6)


@pytest.mark.parametrize("argument", ["std", "focal_length"])
def test_wrong_arguments(argument):
    with pytest.raises(ValueError, match=f"`{argument}` must be positive. Received: {argument}=0"):
        SurfaceNormals(**{argument: 0})
