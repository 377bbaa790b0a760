"""Depth + Normal + Texture + Shade to RGB on Taskonomy, with the papers' settings.

    python -m recipes.image_translation.train \
        --config=taskonomy_depth_normal_texture_shade \
        --workdir=runs/depth_normal_texture_shade \
        --config.data.root=taskonomy --config.data.lists.train=train.txt \
        --config.data.lists.test=test.txt

Papers: CEN: FID 57.19, KID x 100 1.33. Their FID is taken on re-drawn pictures: not comparable with
a clean one. The images may not be redistributed.
"""

from recipes.image_translation.configs import taskonomy


def get_config():
    return taskonomy.of_domains(("depth_euclidean", "normal", "edge_texture", "reshading"))
