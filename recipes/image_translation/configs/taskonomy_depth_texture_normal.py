"""Depth + Texture + Normal to RGB on Taskonomy, with the papers' settings.

    python -m recipes.image_translation.train \
        --config=taskonomy_depth_texture_normal \
        --workdir=runs/depth_texture_normal \
        --config.data.root=taskonomy --config.data.lists.train=train.txt \
        --config.data.lists.test=test.txt

Papers: CEN: FID 60.90, KID x 100 1.56; AsymFusion: FID 75.1. Their FID is taken on re-drawn
pictures: not comparable with a clean one. The images may not be redistributed.
"""

from recipes.image_translation.configs import taskonomy


def get_config():
    return taskonomy.of_domains(("depth_euclidean", "edge_texture", "normal"))
