"""NYUDv2 from its official files, RefineNet ResNet-101, AsymFusion (arXiv 2108.05009).

The command and the data are those of `nyudv2_builder_refinenet101_cen.py`, the paper's figures
those of `nyudv2_refinenet101_asym.py`.
"""

from recipes.segmentation.configs import nyudv2_builder_refinenet101_cen


def get_config():
    config = nyudv2_builder_refinenet101_cen.get_config()
    config.fusion.name = "asymmetric_fusion"
    return config
