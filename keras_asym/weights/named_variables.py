import keras

from keras_asym.layers import ChannelExchange


def named_variables(model):
    """Variables of a model by the names of their layer and their own.

    Args:
        model: `Segmenter`, `Translator` (the discriminator's variables, too), or a network.

    Returns:
        Dictionary of `(layer name, weight name)` -> variable; norms inside of a `ChannelExchange`
        stand under their own name.

    Example:

    >>> network = keras_asym.networks.ResNet(depth=18)
    >>> keras_asym.weights.named_variables(network)["conv1_bn", "gamma"].path
    'conv1_bn/gamma'
    """
    layers = list(getattr(model, "network", model).layers)
    for layer in getattr(getattr(model, "discriminator", None), "layers", ()):
        layers += layer.layers if isinstance(layer, keras.Model) else [layer]
    found = {}
    for layer in layers:
        layer = layer.layer if isinstance(layer, ChannelExchange) else layer
        for variable in layer.weights:
            found[layer.name, variable.name] = variable
    return found
