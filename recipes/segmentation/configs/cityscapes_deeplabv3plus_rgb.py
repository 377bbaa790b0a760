"""Cityscapes, DeepLabv3+ Xception-65 on RGB alone, the baseline of AsymFusion (arXiv 2108.05009).

The command, the data and the protocol are those of `cityscapes_deeplabv3plus_asym.py`. Paper,
validation split: mean IoU 79.4.
"""

from recipes.segmentation.configs import cityscapes_deeplabv3plus_asym


def get_config():
    config = cityscapes_deeplabv3plus_asym.get_config()
    config.inputs = ("rgb",)
    config.fusion.name = "private_normalization"
    return config
