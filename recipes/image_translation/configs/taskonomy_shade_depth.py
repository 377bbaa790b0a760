"""Shade + Depth to RGB on Taskonomy, with the papers' settings.

    python -m recipes.image_translation.train \
        --config=taskonomy_shade_depth \
        --workdir=runs/shade_depth \
        --config.data.root=taskonomy --config.data.lists.train=train.txt \
        --config.data.lists.test=test.txt

Papers: AsymFusion: FID 82.5. Their FID is taken on re-drawn pictures: not comparable with a clean
one. The images may not be redistributed.
"""

from recipes.image_translation.configs import taskonomy


def get_config():
    config = taskonomy.of_domains(("reshading", "depth_euclidean"))
    config.fusion.name = "asymmetric_fusion"
    return config
