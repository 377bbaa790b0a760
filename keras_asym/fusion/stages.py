"""Where the stages of an encoder end, found by the shapes in its graph."""

import keras

from keras_asym.fusion.graph import ancestors, normalizations
from keras_asym.keras_internals import nodes_of
from keras_asym.strides import strides_of

STAGES = ("early", "middle", "late")
_FOLLOWING = (
    keras.layers.Add,
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
)


def end_of_stage(network, stage):
    """Name of the layer at the end of an encoder's early, middle or late stage.

    The encoder ends with the last normalization at the lowest resolution, and the addition and the
    activation behind it. On the way there lie the layers that no path goes around, such as the
    ends of residual blocks; the last of these at each resolution ends a stage. `"early"` is the
    first one at stride 4 or more, `"late"` the last, `"middle"` the one between them. Where the
    resolution does not fall so often, as in a vision transformer, the stages are thirds.

    Args:
        network: Plain flat functional network.
        stage: `"early"`, `"middle"` or `"late"`.

    Raises:
        ValueError: If `stage` is none of these.
    """
    if stage not in STAGES:
        raise ValueError(f"`stage` must be one of {STAGES}. Received: stage={stage!r}")
    ends = _ends(network)
    return {"early": ends[0], "middle": ends[(len(ends) - 1) // 2], "late": ends[-1]}[stage]


def _ends(network):
    nodes = nodes_of(network)
    strides = strides_of(network, [node.outputs[0] for node in nodes])
    norms = {name.split("/")[0] for name in normalizations(network)}
    places = [
        i for i, x in enumerate(nodes) if x.operation.name in norms and strides[i] is not None
    ]
    lowest = max(strides[i] for i in places)
    users = _users(nodes)
    last = _followed(max(i for i in places if strides[i] == lowest), nodes, users)
    chain = _unavoidable(last, nodes)
    ends = {}
    for i in chain:
        stride, is_fork = strides[i], len(users[i]) > 1
        if stride and 4 <= stride < lowest and (is_fork or stride not in ends):
            ends[stride] = nodes[i].operation.name
    ends[lowest] = nodes[last].operation.name
    found = [ends[stride] for stride in sorted(ends)]
    if len(found) < 3:
        thirds = [chain[len(chain) // 3], chain[2 * len(chain) // 3], last]
        found = [nodes[i].operation.name for i in thirds]
    return found


def _users(nodes):
    """The places of the nodes that use each node's outputs."""
    makers = {id(x): i for i, node in enumerate(nodes) for x in node.outputs}
    users = [set() for _ in nodes]
    for i, node in enumerate(nodes):
        for x in node.input_tensors:
            if id(x) in makers:
                users[makers[id(x)]].add(i)
    return users


def _followed(place, nodes, users):
    """The place of the addition and the activation behind a normalization, if there are some."""
    while len(users[place]) == 1:
        (after,) = users[place]
        if not isinstance(nodes[after].operation, _FOLLOWING):
            break
        place = after
    return place


def _unavoidable(place, nodes):
    """The places of the nodes that every path from the image to a node goes through, in order."""
    makers = {id(x): i for i, node in enumerate(nodes) for x in node.outputs}
    through = []
    for i, node in enumerate(nodes[: place + 1]):
        sources = [makers[id(x)] for x in node.input_tensors if id(x) in makers]
        common = set.intersection(*(through[j] for j in sources)) if sources else set()
        through.append(common | {i})
    return sorted(through[place])


def kind_of_norm(network, name):
    """The last normalization that leads to a layer, or else the first: new ones are like it."""
    leading = ancestors(network, [name])
    norms = normalizations(network)
    found = [norm for key, norm in norms.items() if key.split("/")[0] in leading]
    return found[-1] if found else next(iter(norms.values()))
