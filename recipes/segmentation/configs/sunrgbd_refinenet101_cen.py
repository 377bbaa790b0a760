"""SUN RGB-D, 37 classes, RefineNet ResNet-101, CEN (arXiv 2011.05005, 2112.02252).

    python -m recipes.segmentation.train --config=sunrgbd_refinenet101_cen \
        --workdir=runs/sun101 --config.data.root=ARCHIVES --config.pretrained=resnet101.pth \
        --strategy=mirrored

`ARCHIVES` holds the archives of `tfds_builders/sunrgbd_rgbd`: 5285 + 5050 frames. CEN's best entry:
pixel accuracy 83.5, mean accuracy 63.2, mean IoU 51.1, as TokenFusion (arXiv 2204.08721) quotes
it; backbone and scales as published: unclear.

substitute: the paper does not give sizes, epochs nor batch. These are those of NYUDv2, in
`nyudv2_refinenet101_cen.py`. Depth is in metres; the published program scales each image from its
own minimum to its maximum. All frames of NYUDv2 are among these: do not begin with weights of
theirs. There is no validation split: the last epoch is what is reported on.
"""

from recipes.segmentation.configs import default


def get_config():
    config = default.get_config()
    config.data.name = "sunrgbd_rgbd/inpainted"
    config.modalities.depth = {
        "channels": 1,
        "unit": "metres",
        "interpolation": "nearest",
        "invalid": 0,
    }
    return config
