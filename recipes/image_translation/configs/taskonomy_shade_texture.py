"""Shade + Texture to RGB on Taskonomy, with the papers' settings.

    python -m recipes.image_translation.train \
        --config=taskonomy_shade_texture \
        --workdir=runs/shade_texture \
        --config.data.root=taskonomy --config.data.lists.train=train.txt \
        --config.data.lists.test=test.txt

Papers: CEN: FID 62.63, KID x 100 1.65. Their FID is taken on re-drawn pictures: not comparable with
a clean one. The images may not be redistributed.
"""

from recipes.image_translation.configs import taskonomy


def get_config():
    return taskonomy.of_domains(("reshading", "edge_texture"))
