"""RGB + Normal to Shade on Taskonomy, with the papers' settings.

    python -m recipes.image_translation.train \
        --config=taskonomy_rgb_normal_to_shade \
        --workdir=runs/rgb_normal_to_shade \
        --config.data.root=taskonomy --config.data.lists.train=train.txt \
        --config.data.lists.test=test.txt

Papers: CEN: MAE 1.10, MSE 1.72 (x 0.1). The images may not be redistributed.
"""

from recipes.image_translation.configs import taskonomy


def get_config():
    return taskonomy.of_domains(("rgb", "normal"), "reshading")
