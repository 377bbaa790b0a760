"""NYUDv2, RefineNet ResNet-152, AsymFusion, with the paper's settings (arXiv 2108.05009).

The command, the data and the rest are those of `nyudv2_refinenet101_cen.py` (with `resnet152.pth`).
Paper, single scale: pixel accuracy 77.0, mean accuracy 64.0, mean IoU
51.2.
"""

from recipes.segmentation.configs import nyudv2_refinenet101_cen


def get_config():
    config = nyudv2_refinenet101_cen.get_config()
    config.network.backbone = "resnet152"
    config.stages = tuple({**stage, "epochs": 150} for stage in config.stages)
    config.fusion.name = "asymmetric_fusion"
    return config
