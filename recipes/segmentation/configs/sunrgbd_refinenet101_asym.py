"""SUN RGB-D, 37 classes, RefineNet ResNet-101, AsymFusion (arXiv 2108.05009).

The command, the data and what is a substitute are those of `sunrgbd_refinenet101_cen.py`.
The paper has no figure for these data.
"""

from recipes.segmentation.configs import sunrgbd_refinenet101_cen


def get_config():
    config = sunrgbd_refinenet101_cen.get_config()
    config.fusion.name = "asymmetric_fusion"
    return config
