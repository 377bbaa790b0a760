"""NYUDv2, RefineNet ResNet-101, CEN, with the paper's settings (arXiv 2011.05005, Table 2).

    python -m recipes.segmentation.train \
        --config=nyudv2_refinenet101_cen --workdir=runs/cen101 \
        --config.data.root=nyudv2 --config.pretrained=resnet101.pth --strategy=mirrored

The folder holds 795 + 654 frames in the papers' format, `train.txt` and `val.txt`. Three stages of
100 epochs, meant for GPUs. Paper, single scale: pixel accuracy 76.2, mean accuracy 62.8, mean IoU
51.1. Neither the data nor the ImageNet weights come with this package.
"""

from recipes.segmentation.configs import default
from tfds_builders.nyudv2_rgbd import CLASS_NAMES_40


def get_config():
    config = default.get_config()
    config.data.class_names = CLASS_NAMES_40
    return config
