import keras

from keras_asym.fusion.branches import unfold_structure
from keras_asym.fusion.graph import rebuild
from keras_asym.keras_internals import operation_of
from keras_asym.layers import FoldModalities, ModalityLayer, SelectedModalities


def modality_names(model):
    """Names of the modalities of a `to_multimodal` model, in order."""
    return list(_layer_of(model, FoldModalities).names)


def select_modalities(model, names):
    """A model on a subset of the modalities that shares every weight with `model`.

    Use it when a sensor is absent. Each private layer runs on the rows of the modalities that are
    left; exchanged channels come from the others that are present, and a modality that is alone
    keeps its own.

    Args:
        model: Model made by `to_multimodal`.
        names: List of modality names, at least one.

    Returns:
        Functional `keras.Model`, dictionary in and dictionary out.

    Raises:
        ValueError: If a name is not one of the model's modalities.

    Example:

    >>> network = keras_asym.networks.ResNet(depth=18)
    >>> model = keras_asym.fusion.to_multimodal(network, {"rgb": 3, "depth": 1})
    >>> list(keras_asym.fusion.select_modalities(model, ["depth"]).output)
    ['depth']
    """
    known = modality_names(model)
    check_names(names, known)
    names = [name for name in known if name in names]
    chosen = tuple(known.index(name) for name in names)
    fold = _layer_of(model, FoldModalities)
    has_branches = known[0] in model.output
    structure = model.output[known[0] if has_branches else "ensemble"]
    ends = keras.tree.flatten(structure)
    if has_branches:  # in front of where they are unfolded
        ends = [operation_of(tensor).input for tensor in ends]
    core = keras.Model(fold.output, ends)
    selected = {}

    def call_layer(layer, *args, **kwargs):
        if isinstance(layer, ModalityLayer) and layer.modalities == len(known):  # not one stream
            if layer not in selected:
                selected[layer] = _selected(layer, chosen)
            layer = selected[layer]
        return layer(*args, **kwargs)

    # Keras gives the tensors of a dictionary in the order of its keys.
    folded = dict(zip(sorted(known), keras.tree.flatten(fold.input), strict=True))
    inputs, fitted = {}, {}
    for name in names:
        inputs[name] = keras.Input(model.input[name].shape[1:], name=name)
        fitted[name] = _fitted(model.input[name], folded[name], inputs[name])
    folded = FoldModalities(names, name="fold_modalities", dtype=fold.dtype_policy)(fitted)
    features = rebuild(core, folded, call_layer)
    features = keras.tree.pack_sequence_as(structure, keras.tree.flatten(features))
    outputs = unfold_structure(features, names) if has_branches else {"ensemble": features}
    if has_branches and "ensemble" in model.output:
        mix = operation_of(model.output["ensemble"])
        first = features[0] if isinstance(features, list | tuple) else features
        outputs["ensemble"] = _selected(mix, chosen)(first)
    return keras.Model(inputs, outputs, name=f"{model.name}_{'_'.join(names)}")


def check_names(names, known):
    """Raises ValueError unless `names` is a list of some of the modalities `known`."""
    unknown = [name for name in names if name not in known]
    if unknown or not names or isinstance(names, str):
        raise ValueError(
            f"`names` must be a list of some of the modalities {known}. Received: names={names!r}"
        )


def _fitted(image, fitted, new_image):
    """What `fitted` is of `image`, of another image."""
    if fitted is image:
        return new_image
    return rebuild(keras.Model(image, fitted), new_image, lambda layer, *args: layer(*args))


def _selected(layer, rows):
    """The layer on some of the modalities that it holds now."""
    if isinstance(layer, SelectedModalities):
        return SelectedModalities(layer.layer, [layer.selected[row] for row in rows])
    return SelectedModalities(layer, rows)


def _layer_of(model, kind):
    for layer in model.layers:
        if isinstance(layer, kind):
            return layer
    raise ValueError(
        f"`model` must be made by to_multimodal: '{model.name}' has no {kind.__name__} layer."
    )
