import functools

import keras

from keras_asym.fusion.strategy import FusionStrategy, GraphEdits, find_sites
from keras_asym.layers import ChannelExchange
from keras_asym.layers.channel_exchange import check_rate, check_rule
from keras_asym.regularizers import ModalityShareL1


@keras.saving.register_keras_serializable(package="keras_asym")
class ChannelExchanging(FusionStrategy):
    """Channel exchange after chosen normalizations (CEN).

    [arXiv 2011.05005](https://arxiv.org/abs/2011.05005), Eq. 4 and 6. With one modality nothing is
    exchanged or penalized.

    How many gammas fall below a threshold depends on the penalty, the learning rate, the number of
    steps and the initial gammas. `target_rate` says instead which share of the penalized channels
    is exchanged, and ranks them by gamma. Where `start_rate` is above it, an exchanged channel's
    gamma has the gradient that it would have if the channel were kept: those come back that help.

    Args:
        threshold: Gammas below it in magnitude give their channel up.
        l1: Weight of the L1 penalty on each modality's own share of gamma, in place of any gamma
            regularizer that the plain normalization had. The paper's lambda of 2e-4 was added once
            for each of the M + 1 outputs: 6e-4 acted for two modalities, the default.
        share_only: If `True`, only channels of the own share may be given up.
        sites: Regular expression, searched in the names of the normalization layers. The default
            finds the one after the 3x3 convolution of every ResNet bottleneck, in the naming of
            this package, keras.applications and KerasHub.
        rule: `"gamma"`, the paper's, or a control that looks at no gamma: `"all"` channels are
            exchanged from the first step on, or `"random"` ones. `share_only=True` with `"all"`
            exchanges each modality's own share, all of it.
        rate: Share of the channels that `"random"` exchanges, in 0..1.
        seed: Seed of the choice; each site has its own channels.
        target_rate: Share of each modality's own share, in 0..1, that is exchanged in the end at
            every site: the channels whose gammas are the smallest in magnitude. In place of the
            threshold; `None` keeps it.
        start_rate: That share at the first training step: 0 to begin without exchange, 1 to begin
            with the whole share and give channels back. By default `target_rate` holds from the
            first step on.
        steps: Training steps after which `target_rate` is reached. They are counted in the layers
            and saved with the weights.

    Raises:
        ValueError: If `threshold` is negative, `rule` is none of these, a rate is not in 0..1,
            `target_rate` stands beside another rule, or `start_rate` stands without `target_rate`
            or `steps`; in `to_multimodal`, if `sites` finds no normalization or one without gamma.

    Example:

    >>> fusion = keras_asym.fusion.ChannelExchanging(threshold=2e-2, l1=6e-4)
    >>> model = keras_asym.fusion.to_multimodal(
    ...     keras_asym.networks.ResNet(50), {"rgb": 3, "depth": 1}, fusion)
    >>> sum("exchange" in layer.name for layer in model.layers)
    16
    """

    def __init__(
        self,
        threshold=2e-2,
        l1=6e-4,
        share_only=False,
        sites=r"block\d+_2_bn$",
        rule="gamma",
        rate=0.0,
        seed=0,
        target_rate=None,
        start_rate=None,
        steps=0,
    ):
        if target_rate is None:
            check_rule(rule, rate)
            if start_rate is not None:
                raise ValueError(
                    "`start_rate` needs `target_rate`, where the rate is going to. "
                    f"Received: start_rate={start_rate}"
                )
        elif rule != "gamma":
            raise ValueError(
                "`target_rate` ranks channels by gamma: leave `rule` out. "
                f"Received: target_rate={target_rate}, rule={rule!r}"
            )
        else:
            check_rate("target_rate", target_rate)
            check_rule("rank", target_rate, start_rate, steps)
        self.threshold = threshold
        self.l1 = l1
        self.share_only = share_only
        self.sites = sites
        self.rule = rule
        self.rate = rate
        self.seed = seed
        self.target_rate = target_rate
        self.start_rate = start_rate
        self.steps = steps

    def edits(self, network, modalities):
        found = find_sites(network, self.sites, "normalization")
        if modalities == 1:
            return GraphEdits()

        def exchange(norm, place):
            if not getattr(norm, "scale", False):
                raise ValueError(
                    "Channel exchange compares gamma, which layer '"
                    f"{norm.name}' does not have; choose other `sites`. "
                    f"Received: sites={self.sites!r}"
                )
            norm.gamma_regularizer = ModalityShareL1(self.l1) if self.l1 else None
            by_rank = self.target_rate is not None
            return ChannelExchange(
                norm,
                self.threshold,
                self.share_only,
                "rank" if by_rank else self.rule,
                self.target_rate if by_rank else self.rate,
                self.seed + place,
                self.start_rate,
                self.steps,
            )

        return GraphEdits(
            normalization={
                name: functools.partial(exchange, place=place) for place, name in enumerate(found)
            }
        )

    def get_config(self):
        return {
            "threshold": self.threshold,
            "l1": self.l1,
            "share_only": self.share_only,
            "sites": self.sites,
            "rule": self.rule,
            "rate": self.rate,
            "seed": self.seed,
            "target_rate": self.target_rate,
            "start_rate": self.start_rate,
            "steps": self.steps,
        }
