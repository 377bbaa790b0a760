"""NYUDv2, SegFormer-B3, images alone.

The command, the data and the rest are those of `nyudv2_segformer_b3_tokens.py`. Paper (arXiv
2204.08721): pixel accuracy 76.0, mean accuracy 63.0, mean IoU 50.6.
"""

from recipes.segmentation.configs import nyudv2_segformer_b3_tokens


def get_config():
    config = nyudv2_segformer_b3_tokens.get_config()
    config.inputs = ("rgb",)
    config.fusion.name = "private_normalization"
    return config
