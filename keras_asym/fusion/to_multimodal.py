import os

import keras

from keras_asym.fusion.branches import (
    check_modalities,
    check_stems,
    fit_channels,
    unfold_structure,
)
from keras_asym.fusion.cloning import clone
from keras_asym.fusion.fresh_stems import UnsharedStem, begin_anew, first_convolution
from keras_asym.fusion.graph import check_names, check_network, flattened
from keras_asym.fusion.normalizations import Settings
from keras_asym.fusion.private_normalization import PrivateNormalization
from keras_asym.fusion.proof import prove
from keras_asym.fusion.strategy import FusionStrategy
from keras_asym.keras_internals import operation_of
from keras_asym.layers import FoldModalities, ModalityEnsemble
from keras_asym.layers.modality_ensemble import KINDS


def to_multimodal(
    network,
    modalities,
    fusion=None,
    freeze_statistics=False,
    synchronized=None,
    instance_statistics=True,
    ensemble=False,
    check=None,
    stems=None,
):
    """Makes a network that was written for one image serve several modalities.

    The graph is cloned: convolutions and all else are shared by the modalities, each normalization
    becomes a private one with the plain one's weights in each row (`ModalityBatchNormalization`,
    `ModalityLayerNormalization`, ...; `register_normalization` adds others), and `fusion` adds its
    operations at its sites. Nested models become part of the graph; layers that hold
    normalizations, such as transformer blocks, become `ModalityBlock`s. With equal inputs and
    `PrivateNormalization` every modality's features are those of `network` until training sets them
    apart.

    The model takes an argument beside its images, `model(images, presence=...)`: a boolean tensor
    `(batch, modalities)` of which modalities each example has. What it lacks then has no part in
    norms, exchange, shuffle, shift and ensemble.

    Args:
        network: Functional or Sequential `keras.Model` with one image input `(batch, height, width,
            channels)`: this package's networks, a keras.applications model, a KerasHub backbone.
        modalities: Dictionary of modality name -> number of channels, in the order that decides
            who is "next" and whose share of the channels comes first. Fewer channels than the
            network's input are repeated to fit; more get a private 1x1 projection.
        fusion: `PrivateNormalization` (the default), `ChannelExchanging`, `AsymmetricFusion`,
            `Concatenation` or another one of this package, several `Combined`, or your own.
        freeze_statistics: Whether the moving statistics are kept and used in training too.
        synchronized: Whether batch statistics are taken over all replicas; `None` keeps each
            layer's own setting.
        instance_statistics: Whether instance normalizations use the instance's own statistics at
            test time, too; moving averages otherwise.
        ensemble: Whether an output `"ensemble"`, the learned mix of the branches, is added; of a
            list of outputs, that of the first ones. `True` is `"global"`; `"class"` and `"pixel"`
            are the other weights of a `ModalityEnsemble` of logits.
        check: Whether a model that has branches proves on a random image that the first and the
            last one, each on its own, are the plain network. That takes a few runs of it on a small
            image; not inside a `tf.function`. `None` means yes, unless the environment variable
            `KERAS_ASYM_CHECK` is "0".
        stems: Dictionary of modality name -> how images of another kind come to a network with
            ImageNet weights: `"repeat"` (the default, the papers'); `"normals"`, `SurfaceNormals`
            of a depth in metres; `"fresh"`: this modality's first convolution is its own, on
            repeated channels, and has new initial weights, while the network's is kept for the
            others; or a layer that makes of the image one with the network's channels.

    Returns:
        Functional `keras.Model` from a dictionary of images to a dictionary of what `network`
        gives, both by modality name. With a strategy that merges the modalities there is one
        output, `"ensemble"`.

    Raises:
        ValueError: If the network has no graph, no normalization that can be private, or one that
            is not known; if a layer cannot be cloned or looks across the batch axis; if a
            modality has the name of a layer; if the strategy's sites match nothing; if `stems`
            holds none of the above, or "fresh" for a network that does not begin with a
            convolution.

    Example:

    >>> network = keras_asym.networks.ResNet(depth=18)
    >>> model = keras_asym.fusion.to_multimodal(
    ...     network, {"rgb": 3, "depth": 1}, keras_asym.fusion.AsymmetricFusion())
    >>> sorted(model.output)
    ['depth', 'rgb']
    """
    modalities = check_modalities(modalities)
    fusion = PrivateNormalization() if fusion is None else fusion
    if not isinstance(fusion, FusionStrategy):
        raise ValueError(
            "`fusion` must be a fusion strategy such as ChannelExchanging(). "
            f"Received: fusion={fusion!r}"
        )
    if ensemble not in (False, True, *KINDS):
        raise ValueError(
            f"`ensemble` must be False, True or one of {KINDS}. Received: ensemble={ensemble!r}"
        )
    names = list(modalities)
    stems = check_stems(stems, names)
    fresh = [row for row, name in enumerate(names) if stems.get(name) == "fresh"]
    source, network = network, flattened(network)
    check_network(network)
    check_names(network, names)
    if fresh:
        stem = first_convolution(network)
        fusion = UnsharedStem(fusion, stem)
    *size, network_channels = network.inputs[0].shape[1:]
    inputs, fitted = {}, {}
    for name, channels in modalities.items():
        inputs[name] = keras.Input((*size, channels), name=name)
        fitted[name] = fit_channels(inputs[name], name, network_channels, stems.get(name))
    # Of the network's precision and not of the one that new layers get now.
    dtype = network.inputs[0].dtype if "float" in network.inputs[0].dtype else None
    folded = FoldModalities(names, name="fold_modalities", dtype=dtype)(fitted)
    settings = Settings(freeze_statistics, synchronized, instance_statistics)
    features, private, merged = clone(network, source, folded, len(names), fusion, settings)
    if not merged and (check or (check is None and os.environ.get("KERAS_ASYM_CHECK") != "0")):
        prove(network, keras.Model(folded, features), private, len(names))
    if fresh:
        begin_anew(keras.Model(folded, features), stem, fresh)
    if merged:  # no branch is left that could be the plain network
        return keras.Model(inputs, {"ensemble": features}, name=network.name)
    outputs = unfold_structure(features, names)
    if ensemble:
        first = features[0] if isinstance(features, list | tuple) else features
        if keras.tree.is_nested(first):
            raise ValueError(
                "`ensemble=True` needs a network with one output, or a list of outputs of which "
                f"the first one is mixed. Received: network '{network.name}' with a structure of "
                f"{len(network.outputs)} outputs"
            )
        policy = getattr(operation_of(first), "dtype_policy", None)
        kind = "global" if ensemble is True else ensemble
        mix = ModalityEnsemble(len(names), kind, name="ensemble", dtype=policy)
        outputs["ensemble"] = mix(first)
    return keras.Model(inputs, outputs, name=network.name)
