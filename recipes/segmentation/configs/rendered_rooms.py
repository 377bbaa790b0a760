"""The demo: rendered rooms at 160x120, 13 classes, a small network from random weights.

    python -m recipes.segmentation.train \
        --config=rendered_rooms --workdir=runs/rooms

docs/measured.md has the figures, times and the number of seeds. The papers have none for
these data.
"""

from recipes.segmentation.configs import default


def get_config():
    config = default.get_config()
    config.data.name = "rendered_rooms"
    config.data.width = 160
    config.data.height = 120
    config.data.num_examples = {"train": 400, "validation": 40, "test": 100}
    config.modalities.depth = {
        "channels": 1,
        "scale": 1e-3,  # millimetres to metres
        "mean": 2.5,
        "std": 1.2,
        "interpolation": "nearest",
        "invalid": 0,
    }
    config.network.backbone = "resnet18"
    config.network.backbone_width = 32
    config.network.decoder = "light"
    config.network.decoder_widths = (128, 64, 64, 64)
    config.network.dropout = 0.0
    config.freeze_statistics = False
    config.fusion.l1 = 2e-2  # so that gammas differ within some hundred steps
    config.fusion.target_rate = 0.5  # from the first step on; the papers' threshold exchanges late
    config.fusion.ensemble_rate = 30.0  # with so few steps the papers' rate leaves the mean
    config.augmentation.size = (96, 128)
    config.augmentation.scale = (0.8, 1.25)
    config.augmentation.shorter_side = 96
    config.batch_size = 8
    config.eval_batch_size = 20
    config.optimizer.name = "adamw"
    config.optimizer.l2 = 1e-4
    config.optimizer.decay = "cosine"
    config.stages = ({"epochs": 10, "encoder_rate": 4e-3, "decoder_rate": 2e-3},)
    config.evaluate_every = 2
    config.checkpoint_every = 2
    config.evaluation_resize = "bilinear"
    return config
