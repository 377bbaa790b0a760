"""SUN RGB-D, 37 classes, SegFormer-B3, images alone.

The command, the data and the rest are those of `sunrgbd_segformer_b3_tokens.py`. Paper (arXiv
2204.08721): pixel accuracy 82.9, mean accuracy 61.3, mean IoU 48.1.
"""

from recipes.segmentation.configs import sunrgbd_segformer_b3_tokens


def get_config():
    config = sunrgbd_segformer_b3_tokens.get_config()
    config.inputs = ("rgb",)
    config.fusion.name = "private_normalization"
    return config
