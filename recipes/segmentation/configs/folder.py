"""Your own folder of aligned images with masks, in the papers' list format.

    python -m recipes.segmentation.train --config=folder \
        --workdir=runs/mine --config.data.root=FOLDER --config.data.num_classes=40

A list file has one example a line, tab-separated paths relative to the folder, in the order of
`config.data.columns`. Hardware and time depend on the data. No expected metric: it is your data.
"""

from recipes.segmentation.configs import default


def get_config():
    config = default.get_config()
    config.network.backbone = "resnet18"
    config.network.decoder = "light"
    config.network.decoder_widths = (256, 128, 128, 128)
    config.network.dropout = 0.1
    config.freeze_statistics = False
    config.fusion.target_rate = 0.5  # from the first step on; the papers' threshold exchanges late
    config.fusion.ensemble_rate = 30.0  # with so few steps the papers' rate leaves the mean
    config.augmentation.size = (384, 512)
    config.augmentation.shorter_side = 384
    config.batch_size = 4
    config.optimizer.name = "adamw"
    config.optimizer.decay = "cosine"
    config.stages = ({"epochs": 100, "encoder_rate": 1e-3, "decoder_rate": 1e-3},)
    return config
