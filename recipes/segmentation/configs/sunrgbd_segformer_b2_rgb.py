"""SUN RGB-D, 37 classes, SegFormer-B2, images alone.

The command, the data and the rest are those of `sunrgbd_segformer_b2_tokens.py`. Paper (arXiv
2204.08721): pixel accuracy 82.3, mean accuracy 60.6, mean IoU 47.0.
"""

from recipes.segmentation.configs import sunrgbd_segformer_b2_tokens


def get_config():
    config = sunrgbd_segformer_b2_tokens.get_config()
    config.inputs = ("rgb",)
    config.fusion.name = "private_normalization"
    return config
