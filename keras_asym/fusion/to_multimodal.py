import keras

from keras_asym.fusion.branches import check_modalities, fit_channels, unfold_structure
from keras_asym.fusion.graph import check_network
from keras_asym.fusion.private_normalization import PrivateNormalization
from keras_asym.fusion.private_norms import clone
from keras_asym.fusion.strategy import FusionStrategy
from keras_asym.layers import FoldModalities, ModalityEnsemble


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
    check_modalities(modalities)
    fusion = PrivateNormalization() if fusion is None else fusion
    if not isinstance(fusion, FusionStrategy):
        raise ValueError(
            "`fusion` must be a fusion strategy such as ChannelExchanging(). "
            f"Received: fusion={fusion!r}"
        )
    check_network(network)
    *size, network_channels = network.inputs[0].shape[1:]
    inputs, fitted = {}, {}
    for name, channels in modalities.items():
        inputs[name] = keras.Input((*size, channels), name=name)
        fitted[name] = fit_channels(inputs[name], name, network_channels)
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
    outputs = unfold_structure(features, list(modalities))
    if ensemble:
        if keras.tree.is_nested(features):
            raise ValueError(
                "`ensemble=True` needs a network with one output. Received: network "
                f"'{network.name}' with {len(network.outputs)} outputs"
            )
        outputs["ensemble"] = ModalityEnsemble(len(modalities), name="ensemble")(features)
    return keras.Model(inputs, outputs, name=network.name)
