"""SUN RGB-D, 37 classes, SegFormer-B2, TokenFusion (arXiv 2204.08721, "Ti" in its Table 2).

    python -m recipes.segmentation.train \
        --config=sunrgbd_segformer_b2_tokens --workdir=runs/sun_tokens_b2 \
        --config.data.root=ARCHIVES --config.pretrained=mit_b2.pth --strategy=mirrored

The data are those of `sunrgbd_refinenet101_cen.py`, all else is that of
`nyudv2_segformer_b2_tokens.py`. Paper: pixel accuracy 84.0, mean accuracy 63.3, mean IoU 51.4;
others who ran its program had a mean IoU of 50.3.

substitute: the paper does not give sizes, epochs nor batch; these are those of NYUDv2.
"""

from recipes.segmentation.configs import nyudv2_segformer_b2_tokens, sunrgbd_refinenet101_cen


def get_config():
    config = nyudv2_segformer_b2_tokens.get_config()
    sunrgbd = sunrgbd_refinenet101_cen.get_config()
    config.data = sunrgbd.data
    config.modalities = sunrgbd.modalities
    return config
