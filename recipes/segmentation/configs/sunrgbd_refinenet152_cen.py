"""SUN RGB-D, 37 classes, RefineNet ResNet-152, CEN (arXiv 2011.05005).

The command, the data and what is a substitute are those of `sunrgbd_refinenet101_cen.py` (with
`resnet152.pth`), but for 150 epochs a stage, as on NYUDv2. The paper's figure is the one named
there; its backbone is unclear.
"""

from recipes.segmentation.configs import sunrgbd_refinenet101_cen


def get_config():
    config = sunrgbd_refinenet101_cen.get_config()
    config.network.backbone = "resnet152"
    config.stages = tuple({**stage, "epochs": 150} for stage in config.stages)
    return config
