import keras

from keras_asym.fusion.graph import check_network
from keras_asym.fusion.private_normalization import PrivateNormalization
from keras_asym.fusion.private_norms import clone
from keras_asym.fusion.strategy import FusionStrategy
from keras_asym.layers import FoldModalities, ModalityEnsemble, RepeatChannels, UnfoldModalities


def to_multimodal(
    network,
    modalities,
    fusion=None,
    freeze_statistics=False,
    synchronized=None,
    instance_statistics=True,
    ensemble=False,
):
    """Makes a network that was written for one image serve several modalities.

    The graph is cloned: convolutions are shared by all modalities, each BatchNormalization becomes
    a `ModalityBatchNormalization` and each `GroupNormalization(groups=-1)` a
    `ModalityInstanceNormalization` with the plain one's weights in each row, and `fusion` adds its
    operations at its sites. With equal inputs and `PrivateNormalization` every modality's features
    are those of `network` until training sets them apart.

    Args:
        network: Flat functional `keras.Model` with one image input `(batch, height, width,
            channels)`: this package's networks, a keras.applications model, a KerasHub backbone.
        modalities: Dictionary of modality name -> number of channels, in the order that decides
            who is "next" and whose share of the channels comes first. Fewer channels than the
            network's input are repeated to fit; more get a private 1x1 projection.
        fusion: `ChannelExchanging`, `AsymmetricFusion` or `PrivateNormalization` (the default).
        freeze_statistics: Whether the moving statistics are kept and used in training too.
        synchronized: Whether batch statistics are taken over all replicas; `None` keeps each
            layer's own setting.
        instance_statistics: Whether instance normalizations use the instance's own statistics at
            test time, too; moving averages otherwise.
        ensemble: Whether an output `"ensemble"`, the learned mix of the branches, is added.

    Returns:
        Functional `keras.Model` from a dictionary of images to a dictionary of what `network`
        gives, both by modality name.

    Raises:
        ValueError: If the network is not a flat functional model, has no normalization that can be
            private, hides one inside a layer, or if the strategy's sites match nothing.

    Example:

    >>> network = keras_asym.networks.ResNet(depth=18)
    >>> model = keras_asym.fusion.to_multimodal(
    ...     network, {"rgb": 3, "depth": 1}, keras_asym.fusion.AsymmetricFusion())
    >>> sorted(model.output)
    ['depth', 'rgb']
    """
    _check_modalities(modalities)
    fusion = PrivateNormalization() if fusion is None else fusion
    if not isinstance(fusion, FusionStrategy):
        raise ValueError(
            "`fusion` must be a fusion strategy such as ChannelExchanging(). "
            f"Received: fusion={fusion!r}"
        )
    check_network(network)
    *size, channels = network.inputs[0].shape[1:]
    inputs, fitted = {}, {}
    for name, count in modalities.items():
        inputs[name] = keras.Input((*size, count), name=name)
        fitted[name] = _fit_channels(inputs[name], name, channels)
    folded = FoldModalities(tuple(modalities), name="fold_modalities")(fitted)
    features = clone(
        network,
        folded,
        len(modalities),
        fusion,
        freeze_statistics,
        synchronized,
        instance_statistics,
    )
    outputs = _unfold(features, list(modalities))
    if ensemble:
        if keras.tree.is_nested(features):
            raise ValueError(
                "`ensemble=True` needs a network with one output. Received: network "
                f"'{network.name}' with {len(network.outputs)} outputs"
            )
        outputs["ensemble"] = ModalityEnsemble(len(modalities), name="ensemble")(features)
    return keras.Model(inputs, outputs, name=network.name)


def _check_modalities(modalities):
    if not isinstance(modalities, dict) or not modalities:
        raise ValueError(
            '`modalities` must be a dictionary of name -> channels, such as {"rgb": 3, "depth": '
            f"1}}. Received: modalities={modalities!r}"
        )
    for name, channels in modalities.items():
        if name == "ensemble":
            raise ValueError('`modalities` must not use the name "ensemble": it is an output.')
        if not isinstance(channels, int) or channels < 1:
            raise ValueError(
                "`modalities` must give each name a number of channels of at least 1. "
                f"Received: {name!r}: {channels!r}"
            )


def _fit_channels(x, name, channels):
    if x.shape[-1] == channels:
        return x
    if x.shape[-1] < channels:
        return RepeatChannels(channels, name=f"{name}_repeat")(x)
    return keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_projection")(x)


def _unfold(features, names):
    """{name: structure of features} from a structure of folded features."""
    flat = []
    for index, tensor in enumerate(keras.tree.flatten(features)):
        layer_name = "unfold_modalities" + (f"_{index}" if index else "")
        flat.append(UnfoldModalities(len(names), name=layer_name)(tensor))
    return {
        name: keras.tree.pack_sequence_as(features, [branches[index] for branches in flat])
        for index, name in enumerate(names)
    }
