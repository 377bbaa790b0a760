"""Cityscapes, DeepLabv3+ Xception-65, RGB and depth, AsymFusion (arXiv 2108.05009).

    python -m recipes.segmentation.train --config=cityscapes_deeplabv3plus_asym \
        --workdir=runs/cityscapes --config.data.root=ARCHIVES --strategy=mirrored

`ARCHIVES` holds the four archives of `tfds_builders/cityscapes_rgbd`. Meant for GPUs. Paper,
validation split: mean IoU 82.1. Its 43.48 M parameters are those of an Xception-71:
`--config.network.backbone=xception71`.

substitute: the paper does not give crop, rates, schedule, batch, the encoding of depth, nor scales.
These are those of DeepLabv3+'s own program: 90,000 steps of 16 crops of 769x769, SGD 0.01 with
polynomial decay, whole images at a single scale, padded to 1025x2049; there Xception-65 has 78.79
on RGB. Depth is log(1 + stored value) in [-1, 1], as CEN's program has it of Taskonomy.
substitute: the paper does not give its sites in an Xception. These are those that the strategy
finds: around the pointwise convolution of the middle separable convolution of the last module of
each resolution.

No file of ImageNet weights comes with this package, and without any the figures will be lower.
`--config.pretrained=FILE` loads what `keras_asym.networks.backbone("xception65")` has saved.
"""

from recipes.segmentation.configs import default


def get_config():
    config = default.get_config()
    config.data.name = "cityscapes_rgbd/full"
    config.data.report_on = "validation"  # the test split has no labels
    config.data.eval_size = (1025, 2049)
    config.modalities.rgb = {"channels": 3, "encoding": "uint8", "interpolation": "bilinear"}
    config.modalities.depth = {
        "channels": 1,
        "encoding": "log_depth",
        "interpolation": "nearest",
        "invalid": 0,
    }
    config.network.name = "deeplabv3plus"
    config.network.backbone = "xception65"
    config.freeze_statistics = False
    config.fusion.name = "asymmetric_fusion"
    config.augmentation.size = (769, 769)
    config.augmentation.scale = (0.5, 2.0)
    config.augmentation.scale_step = 0.25
    config.augmentation.shorter_side = 0
    config.batch_size = 16
    config.optimizer.l2 = 4e-5
    config.optimizer.decay = "polynomial"
    config.stages = ({"epochs": 487, "encoder_rate": 1e-2, "decoder_rate": 1e-2},)
    config.evaluation_resize = "bilinear"
    return config
