"""Cityscapes, DeepLabv3+ Xception-65 on depth alone, the baseline of AsymFusion (arXiv 2108.05009).

The command, the data and the protocol are those of `cityscapes_deeplabv3plus_asym.py`. Paper,
validation split: mean IoU 62.3.
"""

from recipes.segmentation.configs import cityscapes_deeplabv3plus_asym


def get_config():
    config = cityscapes_deeplabv3plus_asym.get_config()
    config.inputs = ("depth",)
    config.fusion.name = "private_normalization"
    return config
