"""The demo with the real-time network: a narrow EfficientNet-Lite0 and a light head.

    python -m recipes.segmentation.train \
        --config=rendered_rooms_realtime --workdir=runs/realtime
    python -m recipes.segmentation.export --workdir=runs/realtime --output=served/realtime \
        --outputs=classes --quantize

From random weights; data and steps are those of `rendered_rooms.py`. The width is that of
`nyudv2_realtime.py`, so that times can be compared.

substitute: the papers have none for these data.
"""

from recipes.segmentation.configs import rendered_rooms


def get_config():
    config = rendered_rooms.get_config()
    set_network(config)
    return config


def set_network(config):
    """The real-time network, of both configs."""
    config.network.name = "realtime"
    config.network.backbone = "efficientnet_lite0"
    config.network.backbone_width = 16
    config.network.filters = 64
    config.network.dropout = None
    config.fusion.exchange_sites = r"stack[3-6]_block\d+_2_bn$"  # from stride 16 on, for the time
