from keras_asym.weights.entries import check_names, refuse, shape_of, to_array, to_finite
from keras_asym.weights.reading import read_state_dict

_WEIGHTS = {
    "conv": {"weight": "kernel"},
    "bn": {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    },
    "fc": {"weight": "kernel", "bias": "bias"},
}
_AXES = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}  # (out, in, h, w) -> (h, w, in, out)


def load_fid_inception_checkpoint(network, path):
    """Loads a weight file of the FID literature; see `load_fid_inception_state_dict`.

    Args:
        network: `FIDInception`.
        path: `pt_inception-2015-12-05-6726825d.pth` of pytorch-fid, or torch-fidelity's
            `weights-inception-2015-12-05-6726825d.pth`, which holds the same, or such a file in
            another format of `read_state_dict`.
    """
    load_fid_inception_state_dict(network, read_state_dict(path))


def load_fid_inception_state_dict(network, state_dict):
    """Copies the published parameters of the FID literature's Inception into a network.

    Args:
        network: `FIDInception`.
        state_dict: Dictionary of published name -> array in PyTorch's layout. The last layer
            (`fc.*`) is not used where the network has none; `num_batches_tracked` is accepted.

    Raises:
        ValueError: If an entry is missing, unexpected, wrongly shaped, there twice, or not of
            finite real numbers; lists them. The network is then unchanged.
    """
    check_names(state_dict)
    variables = {
        (layer.name, weight.name): weight for layer in network.layers for weight in layer.weights
    }
    has_logits = any(layer == "fc" for layer, _ in variables)
    values, problems = {}, []
    for name, entry in state_dict.items():
        unused = name.startswith("fc.") and not has_logits
        if unused or name.endswith("num_batches_tracked"):
            continue
        place = _locate(name)
        if place not in variables:
            problems.append(f"unexpected: {name} {shape_of(entry)}")
            continue
        shape = tuple(variables[place].shape)
        try:
            array = to_array(entry)
            value = array.transpose(_AXES.get(array.ndim))
            if value.shape == shape:
                value = to_finite(value)
            else:
                problems.append(f"wrong shape: {name} {array.shape} for {'/'.join(place)} {shape}")
        except ValueError as error:
            problems.append(f"not usable: {name} {error}")
            continue
        if place in values:
            problems.append(f"twice: {name} for {'/'.join(place)}, which another entry is for, too")
        values[place] = value
    problems += [
        f"missing: {'/'.join(place)} {tuple(variables[place].shape)}"
        for place in variables
        if place not in values
    ]
    refuse(
        problems,
        f"the network '{network.name}'",
        "the network must be FIDInception of the published width, the file the weights of "
        "2015-12-05, not torchvision's Inception",
    )
    for place, value in values.items():
        variables[place].assign(value)


def _locate(name):
    """`Mixed_5b.branch1x1.bn.running_var` -> `("Mixed_5b_branch1x1_bn", "moving_variance")`."""
    layer, _, weight = name.rpartition(".")
    kind = layer.rpartition(".")[2]
    return layer.replace(".", "_"), _WEIGHTS.get(kind, {}).get(weight)
