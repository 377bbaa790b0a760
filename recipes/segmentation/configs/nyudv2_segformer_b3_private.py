"""NYUDv2, SegFormer-B3, private layer norms and no exchange.

The command, the data and the rest are those of `nyudv2_segformer_b3_tokens.py`. The paper (arXiv
2204.08721) has no figure for it. The norm of the head is private, too, which with token exchange is
shared.
"""

from recipes.segmentation.configs import nyudv2_segformer_b3_tokens


def get_config():
    config = nyudv2_segformer_b3_tokens.get_config()
    config.fusion.name = "private_normalization"
    return config
