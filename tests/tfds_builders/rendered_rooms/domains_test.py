import numpy as np

from tfds_builders.rendered_rooms import domains


def test_depth():
    metres, is_open = np.array([1.0, 2.0, 3.001]), np.array([False, True, False])
    np.testing.assert_array_equal(domains.encode_depth(metres, is_open), [512, 65535, 1537])


def test_normal():
    normal = np.array([[0, 0, 1], [-1, 0, 0], [0, 1, 0], [0, 0.6, 0.8]], np.float32)
    is_open = np.array([False, False, True, False])
    expected = [[128, 128, 255], [0, 128, 128], [128, 128, 128], [128, 204, 230]]
    np.testing.assert_array_equal(domains.encode_normal(normal, is_open), expected)


def test_light_is_gamma_encoded_and_cut_off():
    light = np.float32([[0, 1 / 2**2.2, 1, 1.5]])
    np.testing.assert_array_equal(domains.encode_light(light), [[0, 128, 255, 255]])
    np.testing.assert_array_equal(domains.encode_light(2 * light, 2.0), [[0, 128, 255, 255]])


def test_edge_texture_of_a_step():
    light = np.zeros((4, 6, 3), np.float32)
    light[:, 3:] = 1
    # Sobel of a step of one is four, on both sides of it.
    np.testing.assert_array_equal(domains.edge_texture(light)[1], [0, 0, 10000, 10000, 0, 0])


def test_edge_occlusion_of_a_step_and_of_a_slope():
    x, y = np.meshgrid(np.arange(6) * 0.01, np.arange(4) * 0.01)
    up = np.broadcast_to(np.float32([0, 0, 1]), (4, 6, 3))
    step = np.stack([x, y, np.where(x < 0.025, 0.0, 0.5)], -1)
    edges = domains.edge_occlusion(step, up, np.ones((4, 6)), pixel=0.01)
    # 0.5 m less one and a half pixels.
    np.testing.assert_array_equal(edges[1], [0, 0, 1987, 1987, 0, 0])
    slope = np.stack([x, y, 2 * x], -1)
    normal = np.broadcast_to(np.float32([-2, 0, 1]) / np.sqrt(5), (4, 6, 3))
    assert (domains.edge_occlusion(slope, normal, np.ones((4, 6)), pixel=0.001) == 0).all()
