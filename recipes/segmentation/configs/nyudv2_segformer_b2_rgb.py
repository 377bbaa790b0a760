"""NYUDv2, SegFormer-B2, images alone.

The command, the data and the rest are those of `nyudv2_segformer_b2_tokens.py`. Paper (arXiv
2204.08721): pixel accuracy 75.2, mean accuracy 62.5, mean IoU 49.7.
"""

from recipes.segmentation.configs import nyudv2_segformer_b2_tokens


def get_config():
    config = nyudv2_segformer_b2_tokens.get_config()
    config.inputs = ("rgb",)
    config.fusion.name = "private_normalization"
    return config
