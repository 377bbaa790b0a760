import keras

from keras_asym.layers import ChannelExchange


def named_variables(model):
    """Variables of a model by the names of their layer and their own.

    Args:
        model: `Segmenter`, `Translator` (the discriminator's variables, too), or a network.

    Returns:
        Dictionary of `(layer name, weight name)` -> variable. Norms inside of a `ChannelExchange`
        stand under their own name. A weight of a layer inside of a composite one has the path below
        it as its name: `("block0", "norm1/gamma")`.

    Raises:
        ValueError: If two variables would have the same name; names both.

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
            key = layer.name, _path_below(layer.name, variable)
            other = found.setdefault(key, variable)
            if other is not variable:
                raise ValueError(
                    f"The variables of '{model.name}' must have names of their own. Received: "
                    f"'{other.path}' and '{variable.path}', which are both '{key[1]}' of a layer "
                    f"'{key[0]}': give the layers other names"
                )
    return found


def _path_below(layer_name, variable):
    """`("block0", <block0/norm1/gamma>)` -> `"norm1/gamma"`."""
    path = variable.path.split("/")
    # A nested model's layers do not have its name in their paths.
    if layer_name not in path:
        return variable.path
    # The last one: a shared normalization has the name of the one inside.
    return "/".join(path[len(path) - path[::-1].index(layer_name) :])
