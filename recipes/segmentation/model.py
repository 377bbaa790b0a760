"""From a config to a model, its optimizers and its stages."""

import keras

from keras_asym import fusion, models, networks, weights
from keras_asym.training import CoupledSGD
from recipes.data.specs import input_channels
from recipes.segmentation.data import modality_specs
from recipes.training_loop import optimizer_options

FUSIONS = {
    "channel_exchanging": fusion.ChannelExchanging,
    "asymmetric_fusion": fusion.AsymmetricFusion,
    "private_normalization": fusion.PrivateNormalization,
}


def build_model(config, num_classes, replicas=1):
    """A new `Segmenter`, with ImageNet weights in its encoder if the config names a file."""
    net = config.network
    network = networks.RefineNet(
        net.backbone,
        num_classes,
        net.decoder,
        tuple(net.decoder_widths),
        net.backbone_width,
        net.dropout,
    )
    if config.pretrained:
        weights.load_imagenet_checkpoint(network, config.pretrained)
    return models.Segmenter(
        network,
        {name: input_channels(spec) for name, spec in modality_specs(config).items()},
        build_fusion(config.fusion),
        freeze_statistics=config.freeze_statistics,
        synchronized=replicas > 1 and not config.freeze_statistics,
        evaluation_resize=config.evaluation_resize,
    )


def build_fusion(config):
    """The fusion strategy that `config.name` names."""
    if config.name not in FUSIONS:
        raise ValueError(
            f"`config.fusion.name` must be one of {sorted(FUSIONS)}. Received: name={config.name!r}"
        )
    if config.name == "channel_exchanging":
        return fusion.ChannelExchanging(
            threshold=config.threshold, l1=config.l1, share_only=config.share_only
        )
    return FUSIONS[config.name]()


def compile_model(model, config, stage, total_steps):
    """Compiles with a new optimizer for one stage, as in the papers (momentum starts anew).

    Args:
        model: `Segmenter`.
        config: The run's config.
        stage: One entry of `config.stages`: `epochs`, `encoder_rate`, `decoder_rate`.
        total_steps: Steps of the stage, over which `config.optimizer.decay` acts.
    """
    options = optimizer_options(config)
    encoder = _optimizer(config.optimizer, stage["encoder_rate"], total_steps, options)
    decoder = _optimizer(config.optimizer, stage["decoder_rate"], total_steps, options)
    optimizer = keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(decoder, {networks.ENCODER_VARIABLES: encoder})
    )
    model.compile(optimizer, jit_compile=config.jit_compile)


def _optimizer(config, rate, steps, options):
    if config.decay == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    elif config.decay != "none":
        raise ValueError(
            f'`config.optimizer.decay` must be "none" or "cosine". Received: decay={config.decay!r}'
        )
    if config.name == "sgd":
        return CoupledSGD(rate, momentum=config.momentum, l2=config.l2, **options)
    if config.name == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=config.l2, **options)
    raise ValueError(
        f'`config.optimizer.name` must be "sgd" or "adamw". Received: name={config.name!r}'
    )
