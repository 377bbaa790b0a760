"""NYUDv2, SegFormer-B3, TokenFusion (arXiv 2204.08721, "S" in its Table 2).

The command, the data and what is a substitute are those of `nyudv2_segformer_b2_tokens.py` (with
`mit_b3.pth`). 45,917,306 parameters. Paper: pixel accuracy 79.0, mean accuracy 66.9, mean IoU 54.2;
its program's documentation has 54.8.
"""

from recipes.segmentation.configs import nyudv2_segformer_b2_tokens


def get_config():
    config = nyudv2_segformer_b2_tokens.get_config()
    config.network.backbone = "mit_b3"
    return config
