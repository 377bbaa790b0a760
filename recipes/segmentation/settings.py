"""What the settings of segmentation must be, so that a wrong one ends a run before any work."""

import pathlib

from keras_asym.layers.modality_ensemble import KINDS
from keras_asym.models.modality_dropout import ModalityDropout
from keras_asym.networks.backbones import NAMES
from recipes import settings
from recipes.segmentation.examples import check_augmentation
from recipes.segmentation.model import BY_FREQUENCY, modality_dropout
from recipes.segmentation.networks import DECODERS, NETWORKS, check_network, is_backbone

RATES = ("encoder_rate", "decoder_rate")
"""Learning rates of a stage."""
RULES = {
    "network.name": settings.one_of(list(NETWORKS)),
    "network.backbone": settings.Rule(
        is_backbone,
        f"one of {list(NAMES)}, a class of keras.applications such as 'MobileNetV3Large', or "
        "'kerashub:' and the name of a preset",
    ),
    "network.weights": settings.optional(settings.one_of(("imagenet",))),
    "network.backbone_width": settings.optional(settings.whole(1)),
    "network.output_stride": settings.optional(settings.one_of((8, 16, 32))),
    "network.decoder": settings.optional(settings.one_of(DECODERS)),
    "network.decoder_widths": settings.sequence(settings.whole(1), 4),
    "network.filters": settings.optional(settings.whole(1)),
    "network.skip_filters": settings.optional(settings.whole(1)),
    "network.dropout": settings.optional(settings.number(0, 1)),
    "network.auxiliary_weights": settings.numbers(settings.number(0)),
    "optimizer.name": settings.one_of(("sgd", "adamw")),
    "optimizer.momentum": settings.number(0, 1),
    "optimizer.l2": settings.number(0),
    "optimizer.decay_norms": settings.flag(),
    "loss.focal_gamma": settings.number(0),
    "loss.dice_weight": settings.number(0),
    "fusion.ensemble": settings.one_of(KINDS),
    "fusion.train_ensemble": settings.flag(),
    "fusion.distillation": settings.number(0),
    "fusion.distillation_temperature": settings.number(above=0),
    "evaluation_resize": settings.one_of(("bilinear", "bicubic")),
    "evaluation.scales": settings.positive_numbers(),
    "evaluation.flip": settings.flag(),
    "evaluation.window": settings.size(optional=True),
    "evaluation.overlap": settings.number(0, 1),
    "pretrained": settings.text(),
    "freeze_statistics": settings.flag(),
    "checkpoint_gradients": settings.flag(),
    "data.eval_size": settings.size(optional=True),
}


def check_settings(config):
    """Raises `ValueError` for the first setting that is wrong beside others, each right by itself.

    Args:
        config: The task's config, which keeps `RULES`.
    """
    check_augmentation(config.augmentation.to_dict())
    if "label" in config.inputs:
        raise ValueError("`config.inputs` must not hold 'label', the mask.")
    _check_stages(config.stages)
    begun = config.pretrained or config.network.weights or config.init
    if config.freeze_statistics and not begun:
        raise ValueError(
            "`config.freeze_statistics` must be False without `config.pretrained`, "
            "`config.network.weights` or `config.init`: statistics that nobody has measured "
            "would stay 0 and 1. Pass --config.pretrained=FILE (ImageNet weights of the "
            "encoder), or --config.freeze_statistics=False"
        )
    if config.optimizer.name == "sgd" and not config.optimizer.decay_norms:
        raise ValueError(
            "`config.optimizer.decay_norms` must be True with sgd, whose l2 is of all "
            "variables. Received: decay_norms=False"
        )
    check_network(config.network, config.pretrained)
    if config.pretrained and not pathlib.Path(config.pretrained).expanduser().is_file():
        raise ValueError(
            "`config.pretrained` must be a file of weights, such as torchvision's "
            f"resnet101.pth. Received: {config.pretrained}, which is not there"
        )
    _check_modality_dropout(tuple(config.fusion.modality_dropout), tuple(config.inputs))
    if config.fusion.distillation and not any(tuple(config.fusion.modality_dropout)):
        raise ValueError(
            "`config.fusion.distillation` must be 0 without `config.fusion.modality_dropout`, as "
            "no example loses a sensor; pass --config.fusion.modality_dropout=uniform. Received: "
            f"distillation={config.fusion.distillation}"
        )
    weights = tuple(config.class_weights)
    numbers = all(settings.number(0).holds(x) for x in weights)
    if weights != BY_FREQUENCY and not numbers:
        raise ValueError(
            "`config.class_weights` must be empty, 'frequency', or hold a number of at least 0 "
            f"for each class. Received: class_weights={weights}"
        )


def _check_stages(stages):
    if not isinstance(stages, tuple | list) or not stages:
        raise ValueError(
            "`config.stages` must hold at least one stage, such as ({'epochs': 10, "
            f"'encoder_rate': 1e-3, 'decoder_rate': 1e-3}},). Received: stages={stages!r}"
        )
    rules = {"epochs": settings.whole(1), **dict.fromkeys(RATES, settings.number(0))}
    for index, stage in enumerate(stages):
        where = f"config.stages.{index}"
        settings.check_keys(where, stage, tuple(rules))
        for key, rule in rules.items():
            if not rule.holds(stage[key]):
                raise ValueError(
                    f"`{where}.{key}` must be {rule.words}. Received: {key}={stage[key]!r}"
                )


def _check_modality_dropout(rates, inputs):
    try:
        if rates:
            ModalityDropout(len(inputs), modality_dropout(rates, len(inputs)))
    except ValueError as error:
        raise ValueError(
            "`config.fusion.modality_dropout` must be empty, 'uniform', or hold a number of at "
            f"least 0 and below 1 for all or each of {inputs}. Received: modality_dropout={rates}"
        ) from error


def check_masks(config, features):
    """Raises `ValueError` unless a data set has masks, whose classes the config fits.

    Args:
        config: The task's config.
        features: Of the data set.
    """
    if "label" not in features:
        raise ValueError(
            "`config.data` must name a data set with masks, in a folder as the column 'label'. "
            f"Received: {config.data.name} with {sorted(features)}"
        )
    number = features["label"].num_classes
    if number < 2:
        raise ValueError(f"A data set must have at least two classes. Received: {number}")
    weights = tuple(config.class_weights)
    if weights not in ((), BY_FREQUENCY) and len(weights) != number:
        raise ValueError(
            f"`config.class_weights` must hold a number for each of the {number} classes. "
            f"Received: {len(weights)}"
        )
