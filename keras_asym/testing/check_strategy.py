from keras_asym.testing import strategy_checks
from keras_asym.testing.small_network import small_network


def check_strategy(fusion, network=None, modalities=(1, 2, 3)):
    """Checks that a fusion strategy of your own does what every one of this package does.

    Its config makes it again. In models that `to_multimodal` makes with it, each branch alone is
    the plain network, unless the strategy merges the branches; a model that is told who is present
    gives what `select_modalities` gives; examples do not look at one another; nothing depends on
    what stands in the place of an absent modality; the model saves and loads. On TensorFlow, for a
    network that gives logits of an image, `keras_asym.export.InferenceForm` gives what the model
    gives.

    Args:
        fusion: The strategy, whose class is registered
            (`keras.saving.register_keras_serializable`).
        network: Plain functional network that it is made for. By default a small one of bottleneck
            blocks, whose layers are named `stack0_block0_1_conv`, `stack0_block0_2_bn`, ...
        modalities: Numbers of modalities to check.

    Raises:
        AssertionError: If it does not; says what.

    Example:

    >>> keras_asym.testing.check_strategy(keras_asym.fusion.AsymmetricFusion(), modalities=(2,))
    """
    network = small_network() if network is None else network
    strategy_checks.check_config(fusion)
    for count in modalities:
        case = strategy_checks.Case(fusion, network, count)
        strategy_checks.check_branches(case)
        strategy_checks.check_presence(case)
        strategy_checks.check_gradients(case)
        strategy_checks.check_saving(case)
        strategy_checks.check_export(case)
