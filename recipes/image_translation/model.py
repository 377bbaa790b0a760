"""From a config to a model and its optimizers."""

import keras

from keras_asym import fusion, models, networks
from recipes.data.specs import input_channels
from recipes.image_translation.data import domain_specs
from recipes.training_loop import optimizer_options

FUSIONS = ("channel_exchanging", "asymmetric_fusion", "private_normalization")


def build_model(config):
    """A new `Translator`."""
    specs = domain_specs(config)
    modalities = {name: input_channels(specs[name]) for name in config.inputs}
    channels = specs[config.target]["channels"]
    generator = networks.UNetGenerator(
        config.generator.filters,
        config.generator.depth,
        channels,
        config.generator.dropout,
    )
    seen = generator.input.shape[-1]
    discriminator = networks.PatchDiscriminator(config.discriminator.filters, seen + channels)
    return models.Translator(
        generator,
        discriminator,
        modalities,
        build_fusion(config.fusion),
        l1_weight=config.l1_weight,
        instance_statistics=config.instance_statistics,
        dropout_at_test=config.dropout_at_test,
    )


def build_fusion(config):
    """The fusion strategy that `config.name` names."""
    if config.name == "channel_exchanging":
        return fusion.ChannelExchanging(
            config.threshold, config.l1, config.share_only, config.exchange_sites
        )
    if config.name == "asymmetric_fusion":
        return fusion.AsymmetricFusion(config.shuffle_sites, shift_source="output")
    if config.name == "private_normalization":
        return fusion.PrivateNormalization()
    raise ValueError(
        f"`config.fusion.name` must be one of {sorted(FUSIONS)}. Received: name={config.name!r}"
    )


def compile_model(model, config, steps):
    """Compiles with an optimizer of each player.

    Args:
        model: `Translator`.
        config: The run's config.
        steps: Steps of the whole run, over which `config.optimizer.decay` acts.
    """
    if config.precision == "mixed_float16":
        raise ValueError(
            "`config.precision` must not be mixed_float16 here, as the two players would need a "
            "loss scale each: use mixed_bfloat16. Received: precision='mixed_float16'"
        )
    options = optimizer_options(config)
    model.compile(
        _optimizer(config.optimizer, steps, options),
        _optimizer(config.optimizer, steps, options),
        jit_compile=config.jit_compile,
    )


def _optimizer(config, steps, options):
    rate = config.rate
    if config.decay == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    elif config.decay != "none":
        raise ValueError(
            f'`config.optimizer.decay` must be "none" or "cosine". Received: decay={config.decay!r}'
        )
    return keras.optimizers.Adam(rate, config.beta_1, config.beta_2, epsilon=1e-8, **options)
