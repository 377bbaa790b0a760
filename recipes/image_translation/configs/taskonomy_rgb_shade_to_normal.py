"""RGB + Shade to Normal on Taskonomy, with the papers' settings.

    python -m recipes.image_translation.train \
        --config=taskonomy_rgb_shade_to_normal \
        --workdir=runs/rgb_shade_to_normal \
        --config.data.root=taskonomy --config.data.lists.train=train.txt \
        --config.data.lists.test=test.txt

Papers: CEN: MAE 1.12, MSE 2.51 (x 0.1). The images may not be redistributed.
"""

from recipes.image_translation.configs import taskonomy


def get_config():
    return taskonomy.of_domains(("rgb", "reshading"), "normal")
