"""Cityscapes, DeepLabv3+ Xception-65, RGB and depth, CEN (arXiv 2011.05005).

The command, the data and the protocol are those of `cityscapes_deeplabv3plus_asym.py`. The paper
has no figure for these data.
substitute: the paper does not give its sites in an Xception. These are the norms behind the second
pointwise convolution of every module.
"""

from recipes.segmentation.configs import cityscapes_deeplabv3plus_asym


def get_config():
    config = cityscapes_deeplabv3plus_asym.get_config()
    config.fusion.name = "channel_exchanging"
    return config
