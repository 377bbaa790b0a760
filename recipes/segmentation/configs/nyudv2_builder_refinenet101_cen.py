"""NYUDv2 from its official files, RefineNet ResNet-101, CEN (arXiv 2011.05005).

    python -m recipes.segmentation.train \
        --config=nyudv2_builder_refinenet101_cen --workdir=runs/cen101 \
        --config.data.root=FILES --config.pretrained=resnet101.pth --strategy=mirrored

`FILES` holds the three files of `tfds_builders/nyudv2_rgbd`: frames cropped to 468x625 and depth
with its holes, as in the papers' folder. Settings and the paper's figures are those of
`nyudv2_refinenet101_cen.py`, but for the splits: there is no validation split, so that the last
epoch is what is reported on, and no checkpoint is chosen on the test split.
"""

from recipes.segmentation.configs import nyudv2_refinenet101_cen


def get_config():
    config = nyudv2_refinenet101_cen.get_config()
    config.data.name = "nyudv2_rgbd/40_classes_raw"
    config.modalities.depth = {
        "channels": 1,
        "unit": "metres",
        "interpolation": "nearest",
        "invalid": 0,
    }
    return config
