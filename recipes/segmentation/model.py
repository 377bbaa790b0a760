"""From a config to a network for segmentation, and to its optimizers."""

import keras
import numpy as np

from keras_asym import losses, models
from keras_asym.models.ensembles import ensembles
from keras_asym.models.multi_optimizer import MultiOptimizer
from keras_asym.training import CoupledSGD
from recipes.segmentation.networks import build_network
from recipes.settings import compiles

UNIFORM_SUBSETS = ("uniform",)
BY_FREQUENCY = ("frequency",)
_ENSEMBLE_WEIGHTS = r"(.*/)?ensemble/alpha"  # paths of the variables


def build_model(config, input_channels, num_classes, fusion, replicas=1, stems=None):
    """A new `Segmenter`, with the weights of `config.pretrained` or `config.network.weights`.

    Returns:
        Pair of the model and a regular expression for the paths of its encoder's variables.
    """
    network, encoder_variables = build_network(config, num_classes)
    model = models.Segmenter(
        network,
        input_channels,
        fusion,
        freeze_statistics=config.freeze_statistics,
        checkpoint_gradients=config.checkpoint_gradients,
        synchronized=replicas > 1 and not config.freeze_statistics,
        evaluation_resize=config.evaluation_resize,
        auxiliary_weights=tuple(config.network.auxiliary_weights),
        ensemble=config.fusion.ensemble,
        stems=stems,
        modality_dropout=modality_dropout(config.fusion.modality_dropout, len(input_channels)),
        distillation=config.fusion.distillation,
        distillation_temperature=config.fusion.distillation_temperature,
    )
    if not config.fusion.train_ensemble:
        for layer in ensembles(model.training_network):
            layer.trainable = False
    return model, encoder_variables


def modality_dropout(setting, count):
    """What `Segmenter` takes for `config.fusion.modality_dropout`."""
    setting = tuple(setting)
    if setting == UNIFORM_SUBSETS:
        return setting[0]
    return list(setting if len(setting) == count else count * setting)


def class_weights(setting, counts):
    """The weights of `config.class_weights` in the loss, or `None`.

    Args:
        setting: The setting; by `BY_FREQUENCY` a class weighs the median frequency divided by its
            own, and 0 without a pixel.
        counts: Array `(num_classes,)`: pixels of each class in the training split.
    """
    weights = tuple(setting)
    if weights != BY_FREQUENCY:
        return weights or None
    median = np.median(counts[counts > 0])
    return tuple(float(median / count) if count else 0.0 for count in counts)


def compile_model(model, config, encoder_variables, rates, options, class_weights=None):
    """Compiles with a new optimizer for one stage, as in the papers (momentum starts anew).

    Args:
        model: `Segmenter`.
        config: The run's config: `optimizer`, `loss`, `jit_compile`.
        encoder_variables: As `build_model` gives it.
        rates: Learning rates or schedules of the encoder, of all other variables, and of the
            weights of the branches in the ensemble.
        options: Arguments of the optimizers.
        class_weights: Weight of each class in the loss, or `None`.
    """
    encoder, decoder, ensemble = (
        _optimizer(config.optimizer, rate, name=name, **options)
        for name, rate in zip(("encoder", "decoder", "ensemble"), rates, strict=True)
    )
    others = {encoder_variables: encoder}
    if config.fusion.ensemble_rate != 1:
        others[_ENSEMBLE_WEIGHTS] = ensemble
    optimizer = MultiOptimizer(keras.optimizers.OptimizerMap(decoder, others))
    loss = losses.ValidPixelCrossentropy(
        model.ignore_class, class_weights, config.loss.focal_gamma, config.loss.dice_weight
    )
    model.compile(optimizer, loss, jit_compile=compiles(config))


def _optimizer(config, rate, **options):
    if config.name == "sgd":
        return CoupledSGD(rate, momentum=config.momentum, l2=config.l2, **options)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.l2, **options)
    if not config.decay_norms:
        # TensorFlow's variables have the path as their name, and ":0" behind it.
        optimizer.exclude_from_weight_decay(var_names=(r"(^|/)(gamma|beta)(:\d+)?$",))
    return optimizer
