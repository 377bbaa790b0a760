"""RGB + Edge to Depth on Taskonomy, with the papers' settings.

    python -m recipes.image_translation.train \
        --config=taskonomy_rgb_edge_to_depth \
        --workdir=runs/rgb_edge_to_depth \
        --config.data.root=taskonomy --config.data.lists.train=train.txt \
        --config.data.lists.test=test.txt

Papers: CEN: MAE 0.28, MSE 0.66 (x 0.1). The images may not be redistributed.
"""

from recipes.image_translation.configs import taskonomy


def get_config():
    return taskonomy.of_domains(("rgb", "edge_occlusion"), "depth_euclidean")
