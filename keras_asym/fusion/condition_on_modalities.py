import keras

from keras_asym.fusion.branches import check_modalities, fit_channels
from keras_asym.keras_internals import sublayers
from keras_asym.layers import FoldModalities

CANDIDATE = "candidate"


def condition_on_modalities(network, modalities, candidate_channels):
    """Makes a network that judges a candidate beside one input image serve several modalities.

    Everything is shared by the modalities, the norms too: the published discriminator sees one
    modality and, behind it in the channels, the target or that modality's own output (CEN,
    [arXiv 2011.05005](https://arxiv.org/abs/2011.05005)).

    Args:
        network: `keras.Model` with one image input, such as `PatchDiscriminator`.
        modalities: Dictionary of modality name -> number of channels. Fewer channels than the
            network has left beside the candidate are repeated to fit; more get a private 1x1
            projection.
        candidate_channels: Channels of the candidate.

    Returns:
        Functional `keras.Model` from a dictionary with an image `(batch, height, width, channels)`
        for each modality and a folded `"candidate"` `(batch * modalities, height, width,
        candidate_channels)` to what `network` gives, folded.

    Raises:
        ValueError: If the network has not one image input with its channels last, or no channels
            left in it beside the candidate.

    Example:

    >>> network = keras_asym.networks.PatchDiscriminator(filters=8, input_channels=6)
    >>> model = keras_asym.fusion.condition_on_modalities(network, {"depth": 1, "normal": 3}, 3)
    >>> sorted(model.input)
    ['candidate', 'depth', 'normal']
    """
    modalities = check_modalities(modalities)
    _check_network(network)
    network_channels = network.inputs[0].shape[-1] - candidate_channels
    if network_channels < 1:
        raise ValueError(
            f"`network` must have more input channels than the candidate's {candidate_channels}: "
            f"they are for the modality. Received: network '{network.name}' with "
            f"{network.inputs[0].shape[-1]}"
        )
    inputs, fitted = {}, {}
    for name, channels in modalities.items():
        inputs[name] = keras.Input((None, None, channels), name=name)
        fitted[name] = fit_channels(inputs[name], f"{network.name}_{name}", network_channels)
    candidate = keras.Input((None, None, candidate_channels), name=CANDIDATE)
    folded = FoldModalities(tuple(modalities), name=f"{network.name}_fold")(fitted)
    pair = keras.layers.Concatenate(name=f"{network.name}_pair")([folded, candidate])
    return keras.Model({**inputs, CANDIDATE: candidate}, network(pair), name=network.name)


def _check_network(network):
    shapes = [tuple(x.shape) for x in getattr(network, "inputs", None) or ()]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        raise ValueError(
            "`network` must have one image input (batch, height, width, channels): modality and "
            f"candidate stand behind one another in its channels. Received: inputs of shapes "
            f"{shapes} in '{getattr(network, 'name', network)}'"
        )
    for layer in sublayers(network):
        if getattr(layer, "data_format", None) == "channels_first":
            raise ValueError(
                '`network` must have its channels last; build it with data_format="channels_last". '
                f"Received: '{layer.name}' of '{network.name}' with data_format=\"channels_first\""
            )
