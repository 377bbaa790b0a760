"""The demo with a narrow SegFormer-B0 and private layer normalization, from random weights.

    python -m recipes.segmentation.train \
        --config=rendered_rooms_segformer --workdir=runs/segformer

Data and steps are those of `rendered_rooms.py`. As published: AdamW without decay of the norms,
linear decay after a warm-up, ten times the rate for the head. Rates and widths are this package's
choice, for random weights and few steps; `--config.network.backbone_width=None
--config.network.filters=None --config.pretrained=mit_b0.pth` with an `encoder_rate` of 6e-5 is the
published network from ImageNet. Images have 32 pixels or more a side.

substitute: the papers have none for these data.
"""

from recipes.segmentation.configs import rendered_rooms


def get_config():
    config = rendered_rooms.get_config()
    config.network.name = "segformer"
    config.network.backbone = "mit_b0"
    config.network.backbone_width = 16
    config.network.filters = 64
    config.network.dropout = None
    config.fusion.name = "private_normalization"
    config.fusion.exchange_sites = r"block\d+_norm[12]$"
    config.optimizer.l2 = 1e-2
    config.optimizer.decay_norms = False
    config.optimizer.decay = "polynomial"
    config.optimizer.decay_power = 1.0
    config.optimizer.warmup_steps = 50
    config.stages = ({"epochs": 10, "encoder_rate": 5e-4, "decoder_rate": 5e-3},)
    return config
