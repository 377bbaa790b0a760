"""From a config to a network for image translation, and to its optimizers."""

import keras

from keras_asym import models, networks
from recipes.settings import compiles


def build_model(config, input_channels, target_channels, fusion):
    """A new `Translator`."""
    generator = networks.UNetGenerator(
        config.generator.filters,
        config.generator.depth,
        target_channels,
        config.generator.dropout,
    )
    seen = generator.input.shape[-1]
    return models.Translator(
        generator,
        networks.PatchDiscriminator(config.discriminator.filters, seen + target_channels),
        input_channels,
        fusion,
        l1_weight=config.l1_weight,
        instance_statistics=config.instance_statistics,
        dropout_at_test=config.dropout_at_test,
    )


def compile_model(model, config, rate, options):
    """Compiles with an Adam for each player.

    Args:
        model: `Translator`.
        config: The run's config: `optimizer`, `jit_compile`.
        rate: Function that gives the learning rate or schedule.
        options: Arguments of the optimizers.
    """
    betas = config.optimizer.beta_1, config.optimizer.beta_2
    players = (
        keras.optimizers.Adam(rate, *betas, epsilon=1e-8, name=name, **options)
        for name in ("generator", "discriminator")
    )
    model.compile(*players, jit_compile=compiles(config))
