"""SUN RGB-D, 37 classes, RefineNet ResNet-152, AsymFusion (arXiv 2108.05009).

The command, the data and what is a substitute are those of `sunrgbd_refinenet101_cen.py` (with
`resnet152.pth`).
The paper has no figure for these data.
"""

from recipes.segmentation.configs import sunrgbd_refinenet152_cen


def get_config():
    config = sunrgbd_refinenet152_cen.get_config()
    config.fusion.name = "asymmetric_fusion"
    return config
