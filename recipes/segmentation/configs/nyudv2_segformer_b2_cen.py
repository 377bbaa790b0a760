"""NYUDv2, SegFormer-B2, channel exchange at its layer norms.

The command, the data and the rest are those of `nyudv2_segformer_b2_tokens.py`. Paper (arXiv
2204.08721, its ablation): pixel accuracy 77.2, mean accuracy 65.0, mean IoU 52.1. The norm of the
head is private, too, which with token exchange is shared.
"""

from recipes.segmentation.configs import nyudv2_segformer_b2_tokens


def get_config():
    config = nyudv2_segformer_b2_tokens.get_config()
    config.fusion.name = "channel_exchanging"
    return config
