"""NYUDv2, RefineNet ResNet-152, CEN, with the paper's settings (arXiv 2011.05005, Table 2).

The command, the data and the rest are those of `nyudv2_refinenet101_cen.py` (with `resnet152.pth`).
Paper, single scale: pixel accuracy 77.0, mean accuracy 64.4, mean IoU 51.6.
"""

from recipes.segmentation.configs import nyudv2_refinenet101_cen


def get_config():
    config = nyudv2_refinenet101_cen.get_config()
    config.network.backbone = "resnet152"
    config.stages = tuple({**stage, "epochs": 150} for stage in config.stages)
    return config
