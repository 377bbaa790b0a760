"""The demo: rendered rooms at 128x128, shading and texture edges to the photograph.

    python -m recipes.image_translation.train \
        --config=rendered_rooms --workdir=runs/rooms

docs/measured.md has the figures, times and the number of seeds. The papers have none for
these data.
"""

from recipes.image_translation.configs import default


def get_config():
    config = default.get_config()
    config.data.name = "rendered_rooms"
    config.data.width = 160
    config.data.height = 160
    config.data.num_examples = {"train": 400, "validation": 40, "test": 100}
    config.generator.filters = 16
    config.generator.depth = 6
    config.discriminator.filters = 16
    config.fusion.l1 = 5e-2  # so that gammas differ within some hundred steps
    config.fusion.target_rate = 0.5  # from the first step on; the papers' threshold exchanges late
    config.fusion.shuffle_sites = r"down[24]_conv$"
    config.fusion.ensemble_rate = 30.0  # with so few steps the papers' rate leaves the mean
    config.augmentation.resize = (144, 144)
    config.augmentation.size = (128, 128)
    config.batch_size = 4
    config.eval_batch_size = 20
    config.epochs = 10
    config.optimizer.rate = 2e-3
    config.optimizer.decay = "cosine"
    config.evaluate_every = 2
    config.checkpoint_every = 2
    return config
