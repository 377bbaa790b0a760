import numpy as np

from keras_asym.weights.reading import read_state_dict

_LISTED = 20
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
        ValueError: If an entry is missing, unexpected or wrongly shaped; lists them. The network is
            then unchanged.
    """
    variables = {
        (layer.name, weight.name): weight for layer in network.layers for weight in layer.weights
    }
    has_logits = any(layer == "fc" for layer, _ in variables)
    values, problems = {}, []
    for name, array in state_dict.items():
        unused = name.startswith("fc.") and not has_logits
        if unused or name.endswith("num_batches_tracked"):
            continue
        array = np.asarray(array)
        place = _locate(name)
        if place not in variables:
            problems.append(f"unexpected: {name} {array.shape}")
            continue
        values[place] = array.transpose(_AXES.get(array.ndim))
        shape = tuple(variables[place].shape)
        if values[place].shape != shape:
            problems.append(f"wrong shape: {name} {array.shape} for {'/'.join(place)} {shape}")
    problems += [
        f"missing: {'/'.join(place)} {tuple(variables[place].shape)}"
        for place in variables
        if place not in values
    ]
    if problems:
        more = f"\n  ... and {len(problems) - _LISTED} more" if len(problems) > _LISTED else ""
        raise ValueError(
            f"The state dict does not fit the network '{network.name}' ({len(problems)} problems; "
            "the network must be FIDInception of the published width, the file the weights of "
            "2015-12-05, not torchvision's Inception):\n  " + "\n  ".join(problems[:_LISTED]) + more
        )
    for place, value in values.items():
        variables[place].assign(value)


def _locate(name):
    """`Mixed_5b.branch1x1.bn.running_var` -> `("Mixed_5b_branch1x1_bn", "moving_variance")`."""
    layer, _, weight = name.rpartition(".")
    kind = layer.rpartition(".")[2]
    return layer.replace(".", "_"), _WEIGHTS.get(kind, {}).get(weight)
