"""The demo with a generator of transformer blocks in place of the U-Net.

    python -m recipes.image_translation.train \
        --config=rendered_rooms_transformer --workdir=runs/rooms_transformer

TokenFusion has such a generator (arXiv 2204.08721); this one is far smaller, and its channels are
exchanged at the last norm of each encoder stage.
"""

from recipes.image_translation.configs import rendered_rooms


def get_config():
    config = rendered_rooms.get_config()
    config.generator.name = "transformer"
    config.generator.filters = 16
    config.generator.depths = (1, 1, 2, 2, 1)
    config.fusion.exchange_sites = r"stage\d+_norm$"
    config.fusion.shuffle_sites = r"stage\d+_block1_attention_proj$"
    config.optimizer.rate = 5e-4
    return config
