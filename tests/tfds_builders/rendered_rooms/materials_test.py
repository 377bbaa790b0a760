import numpy as np
import pytest

from tfds_builders.rendered_rooms.materials import TEXTURES, Material, reflectance


@pytest.mark.parametrize("texture", TEXTURES)
def test_texture(texture):
    u, v = (x.ravel() for x in np.meshgrid(np.linspace(-0.6, 0.6, 40), np.linspace(-1, 1, 60)))
    half = np.full(u.shape, 0.6), np.full(u.shape, 1.0)
    material = Material(texture, (0.7, 0.5, 0.3), (0.2, 0.1, 0.6), phase=1.3)
    color = reflectance(material, u, v, *half)
    assert color.shape == (2400, 3) and color.dtype == np.float32
    assert (color >= 0).all() and (color <= 1).all()
    assert color.std(0).max() > 0.005
    np.testing.assert_array_equal(color, reflectance(material, u, v, *half))


def test_unknown_texture():
    with pytest.raises(KeyError):
        reflectance(Material("velvet", (1, 1, 1)), *np.ones((4, 3)))
