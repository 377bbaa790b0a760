"""NYUDv2, RefineNet ResNet-101, AsymFusion, with the paper's settings (arXiv 2108.05009).

The command, the data and the rest are those of `nyudv2_refinenet101_cen.py`.
Paper, single scale: pixel accuracy 76.6, mean accuracy 63.5, mean IoU
50.8.
"""

from recipes.segmentation.configs import nyudv2_refinenet101_cen


def get_config():
    config = nyudv2_refinenet101_cen.get_config()
    config.fusion.name = "asymmetric_fusion"
    return config
