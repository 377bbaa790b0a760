"""SUN RGB-D, 37 classes, SegFormer-B3, TokenFusion (arXiv 2204.08721, "S" in its Table 2).

The command, the data and what is a substitute are those of `sunrgbd_segformer_b2_tokens.py` (with
`mit_b3.pth`). Paper: pixel accuracy 84.7, mean accuracy 64.1, mean IoU 53.0; others who ran its
program had a mean IoU of 51.4.
"""

from recipes.segmentation.configs import sunrgbd_segformer_b2_tokens


def get_config():
    config = sunrgbd_segformer_b2_tokens.get_config()
    config.network.backbone = "mit_b3"
    return config
