import numpy as np

from tfds_builders.taskonomy.domains import DOMAINS


def test_order_and_types_are_the_papers():
    assert list(DOMAINS)[:5] == ["rgb", "normal", "reshading", "depth_euclidean", "depth_zbuffer"]
    assert list(DOMAINS)[6:] == [
        "edge_occlusion",
        "edge_texture",
        "segment_unsup2d",
        "segment_unsup25d",
    ]
    wide = {name for name, domain in DOMAINS.items() if np.dtype(domain.dtype) == np.uint16}
    assert wide == {"depth_euclidean", "depth_zbuffer", "edge_occlusion", "edge_texture"}
    assert {name for name, domain in DOMAINS.items() if domain.is_depth} == {
        "depth_euclidean",
        "depth_zbuffer",
    }


def test_invalid_values_have_one_number_a_channel():
    for domain in DOMAINS.values():
        assert domain.invalid is None or len(domain.invalid) == domain.channels
