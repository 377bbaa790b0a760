"""A run that takes seconds: 64x48 rooms, a very narrow network."""

from recipes.segmentation.configs import rendered_rooms


def tiny_config(data_dir):
    config = rendered_rooms.get_config()
    config.data.data_dir = str(data_dir)
    config.data.width = 64
    config.data.height = 48
    config.data.num_examples = {"train": 4, "validation": 2, "test": 3}
    config.network.backbone_width = 8
    config.network.decoder_widths = (8, 8, 8, 8)
    config.augmentation.size = (32, 48)
    config.augmentation.shorter_side = 32
    config.batch_size = 2
    config.eval_batch_size = 2
    config.stages = (
        {"epochs": 1, "encoder_rate": 1e-3, "decoder_rate": 2e-3},
        {"epochs": 1, "encoder_rate": 1e-4, "decoder_rate": 3e-4},
    )
    config.evaluate_every = 1
    config.checkpoint_every = 1
    config.report_examples = 1
    return config
