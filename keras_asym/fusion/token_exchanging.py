import functools

import keras

from keras_asym.fusion.graph import ancestors, normalizations
from keras_asym.fusion.strategy import FusionStrategy, GraphEdits, find_sites
from keras_asym.keras_internals import nodes_of
from keras_asym.layers import TokenExchange, TokenScores
from keras_asym.layers.token_exchange import check_settings
from keras_asym.strides import strides_of

_ADVICE = (
    "Token exchange needs layers of the network itself that end an attention and are added to the "
    "block's input. Layers that hold their attention inside, such as the blocks of KerasHub's "
    "MiTBackbone, have no such place: build keras_asym.networks.MixTransformer and copy their "
    "weights by keras_asym.weights.load_keras_hub_mix_transformer."
)


@keras.saving.register_keras_serializable(package="keras_asym")
class TokenExchanging(FusionStrategy):
    """Token exchange between the blocks of shared transformers (TokenFusion).

    [arXiv 2204.08721](https://arxiv.org/abs/2204.08721). In each block, what attention adds to a
    token is multiplied by the token's score, a number in 0..1 that a small network of each
    modality (`TokenScores`) gives for the block's input; where the score is below `threshold`, it
    is replaced by what another modality adds there (`TokenExchange`). The blocks' residual streams
    and their feed-forward networks are not exchanged. With one modality nothing is changed; where
    one of several is alone, what its attention adds is scaled still.

    What the paper and its program do is the default, but for the penalty: theirs is a sum over the
    tokens, with lambda 1e-3 (paper), 1e-4 (program) or 1e-6 (its documentation, as better), for
    images of 500 x 500 pixels and a batch of 6: `l1=1e-6, l1_reduction="sum"`. In a SegFormer-B2
    the last one is 0.84 times the mean. Its authors aim at 30 to 50 % exchanged tokens. Two more
    things of the program are settings of the model: it never trains the ensemble's alpha
    (`model.network.get_layer("ensemble").trainable = False`) and keeps the initial statistics of
    the head's batch normalization (`freeze_statistics=True`).

    Args:
        threshold: Scores below it give a token up. 1e-2 in the paper's method, 2e-2 in its
            experiments and program.
        l1: Weight of the L1 penalty on the scores.
        l1_reduction: What is made of the scores of all tokens, blocks, modalities and examples:
            their `"mean"`, whose weight means the same at any resolution, batch and depth, or the
            published `"sum"`. It counts once in the loss, however many outputs there are.
        predictors: `"stage"`, the published way: blocks with as many channels share the predictors
            of the scores; or `"block"`: each has its own.
        sites: Regular expression, searched in the names of layers: the last layer of each
            attention. The default finds those of `MixTransformer`.
        share_batch_norms: Whether the modalities share batch normalizations, such as the one in
            SegFormer's head, as they share all but layer normalizations in the paper.
        seed: Seed of the groups of tokens of three or more modalities, see `TokenExchange`.

    Raises:
        ValueError: If `threshold` or `l1` is negative, or `l1_reduction` or `predictors` is none of
            these; in `to_multimodal`, if `sites` finds no layer, or one whose output is not added
            to the input of its block.

    Example:

    >>> network = keras_asym.networks.SegFormer("b0", 13, head_width=16, backbone_width=8)
    >>> model = keras_asym.fusion.to_multimodal(
    ...     network, {"rgb": 3, "depth": 1}, keras_asym.fusion.TokenExchanging())
    >>> [layer.name for layer in model.layers if "exchange" in layer.name][0]
    'stage1_block1_attention_proj_exchange'
    """

    def __init__(
        self,
        threshold=2e-2,
        l1=1.0,
        l1_reduction="mean",
        predictors="stage",
        sites=r"block\d+_attention_proj$",
        share_batch_norms=True,
        seed=0,
    ):
        check_settings(threshold, l1, l1_reduction, "l1_reduction")
        if predictors not in ("stage", "block"):
            raise ValueError(
                f'`predictors` must be "stage" or "block". Received: predictors={predictors!r}'
            )
        self.threshold = threshold
        self.l1 = l1
        self.l1_reduction = l1_reduction
        self.predictors = predictors
        self.sites = sites
        self.share_batch_norms = share_batch_norms
        self.seed = seed

    def edits(self, network, modalities):
        try:
            found = find_sites(network, self.sites, "layer")
        except ValueError as error:
            raise ValueError(f"{error}. {_ADVICE}") from None
        sites = {name: _first_of_block(layer, network) for name, layer in found.items()}
        if modalities == 1:
            return GraphEdits()
        weights = self._weights(found, network)
        scores = {}

        def exchange(y, x, last, place):
            settings = {"dtype": last.dtype_policy}
            shared = self.predictors == "stage"
            key = x.shape[-1] if shared else last.name
            if key not in scores:
                name = f"token_scores{len(scores) + 1}" if shared else f"{last.name}_scores"
                scores[key] = TokenScores(modalities, name=name, **settings)
            layer = TokenExchange(
                modalities,
                self.threshold,
                weights[last.name],
                self.l1_reduction,
                self.seed + place,
                name=f"{last.name}_exchange",
                **settings,
            )
            return layer([y, scores[key](x)])

        after = {
            name: functools.partial(exchange, last=layer, place=place)
            for place, (name, layer) in enumerate(found.items())
        }
        shared = set()
        if self.share_batch_norms:
            norms = normalizations(network).items()
            shared = {name for name, x in norms if isinstance(x, keras.layers.BatchNormalization)}
        return GraphEdits(after=after, sites=sites, shared=shared)

    def _weights(self, found, network):
        """Weight of the penalty of each block: of a mean, by its share of all tokens."""
        if self.l1_reduction == "sum" or not self.l1:
            return dict.fromkeys(found, self.l1)
        nodes = nodes_of(network)
        strides = strides_of(network, [node.outputs[0] for node in nodes])
        tokens = {
            node.operation.name: stride and stride**-2.0
            for node, stride in zip(nodes, strides, strict=True)
            if node.operation.name in found
        }
        if not all(tokens.values()):  # strides that are no powers of two
            tokens = dict.fromkeys(found, 1.0)
        return {name: self.l1 * share / sum(tokens.values()) for name, share in tokens.items()}

    def get_config(self):
        return {
            "threshold": self.threshold,
            "l1": self.l1,
            "l1_reduction": self.l1_reduction,
            "predictors": self.predictors,
            "sites": self.sites,
            "share_batch_norms": self.share_batch_norms,
            "seed": self.seed,
        }


def _first_of_block(last, network):
    """Name of the layer that a residual block begins with, of the last one of its branch.

    The branch ends in an addition. Its other input is the block's input, which the first layer of
    the branch takes, too.
    """
    nodes = nodes_of(network)
    node = next(x for x in nodes if x.operation is last)
    while not isinstance(node.operation, keras.layers.Add):
        end = node.outputs[0]
        users = [x for x in nodes if any(y is end for y in x.input_tensors)]
        if len(users) != 1:
            raise _no_block(last, network)
        node = users[0]
    before = ancestors(network, [last.name])
    others = [x for x in node.input_tensors if x is not end]
    firsts = [
        x.operation.name
        for x in nodes
        if x.operation.name in before and any(y is z for y in others for z in x.input_tensors)
    ]
    if len(firsts) != 1:
        raise _no_block(last, network)
    return firsts[0]


def _no_block(last, network):
    return ValueError(
        f"`sites` must match the last layer of a residual branch. Received: '{last.name}' "
        f"({type(last).__name__}) of network '{network.name}', which is none. {_ADVICE}"
    )
