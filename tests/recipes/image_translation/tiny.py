"""A run that takes seconds: 32x32 crops of small rooms, a very narrow network."""

from recipes.image_translation.configs import rendered_rooms


def tiny_config(data_dir):
    config = rendered_rooms.get_config()
    config.data.data_dir = str(data_dir)
    config.data.width = 48
    config.data.height = 40
    config.data.num_examples = {"train": 4, "validation": 2, "test": 3}
    config.generator.filters = 4
    config.generator.depth = 4
    config.discriminator.filters = 4
    config.augmentation.resize = (36, 36)
    config.augmentation.size = (32, 32)
    config.batch_size = 2
    config.eval_batch_size = 2
    config.epochs = 2
    config.evaluate_every = 1
    config.checkpoint_every = 1
    config.report_examples = 1
    return config
