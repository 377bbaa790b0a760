"""From a config to a network for image translation, and to its optimizers."""

from collections.abc import Callable
from typing import NamedTuple

import keras

from keras_asym import models, networks
from recipes.settings import compiles


class Generator(NamedTuple):
    """How `config.generator` is read."""

    build: Callable  # of config.generator and the target's channels
    stride: Callable  # of config.generator: what height and width must be multiples of


GENERATORS = {
    "unet": Generator(
        lambda c, channels: networks.UNetGenerator(c.filters, c.depth, channels, c.dropout),
        lambda c: 2**c.depth,
    ),
    "transformer": Generator(
        lambda c, channels: networks.TransformerGenerator(
            c.filters, tuple(c.depths), tuple(c.decoder_depths), channels, c.drop_path
        ),
        lambda c: 32,
    ),
}


def build_model(config, input_channels, target_channels, fusion):
    """A new `Translator`."""
    generator = GENERATORS[config.generator.name].build(config.generator, target_channels)
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


def compile_model(model, config, rates, options):
    """Compiles with an Adam for each player.

    Args:
        model: `Translator`.
        config: The run's config: `optimizer`, `jit_compile`.
        rates: Learning rates or schedules of the players, and of the weights of the branches in the
            ensemble.
        options: Arguments of the optimizers.
    """
    betas = config.optimizer.beta_1, config.optimizer.beta_2

    def adam(name, rate):
        return keras.optimizers.Adam(rate, *betas, epsilon=1e-8, name=name, **options)

    of_players, of_ensemble = rates
    ensemble = None if config.fusion.ensemble_rate == 1 else adam("ensemble", of_ensemble)
    model.compile(
        adam("generator", of_players),
        adam("discriminator", of_players),
        jit_compile=compiles(config),
        ensemble_optimizer=ensemble,
    )
