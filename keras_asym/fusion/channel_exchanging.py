import functools

import keras

from keras_asym.fusion.strategy import FusionStrategy, GraphEdits, find_sites
from keras_asym.layers import ChannelExchange
from keras_asym.regularizers import ModalityShareL1


@keras.saving.register_keras_serializable(package="keras_asym")
class ChannelExchanging(FusionStrategy):
    """Channel exchange after chosen normalizations (CEN).

    [arXiv 2011.05005](https://arxiv.org/abs/2011.05005), Eq. 4 and 6. With one modality nothing is
    exchanged or penalized.

    Args:
        threshold: Gammas below it in magnitude give their channel up.
        l1: Weight of the L1 penalty on each modality's own share of gamma, in place of any gamma
            regularizer that the plain normalization had. The paper's lambda of 2e-4 was added once
            for each of the M + 1 outputs: 6e-4 acted for two modalities, the default.
        share_only: If `True`, only channels of the own share may be given up.
        sites: Regular expression, searched in the names of the normalization layers. The default
            finds the one after the 3x3 convolution of every ResNet bottleneck, in the naming of
            this package, keras.applications and KerasHub.

    Raises:
        ValueError: In `to_multimodal`, if `sites` finds no normalization or one without gamma.

    Example:

    >>> fusion = keras_asym.fusion.ChannelExchanging(threshold=2e-2, l1=6e-4)
    >>> model = keras_asym.fusion.to_multimodal(
    ...     keras_asym.networks.ResNet(50), {"rgb": 3, "depth": 1}, fusion)
    >>> sum("exchange" in layer.name for layer in model.layers)
    16
    """

    def __init__(self, threshold=2e-2, l1=6e-4, share_only=False, sites=r"block\d+_2_bn$"):
        self.threshold = threshold
        self.l1 = l1
        self.share_only = share_only
        self.sites = sites

    def edits(self, network, modalities):
        found = find_sites(network, self.sites, "normalization")
        if modalities == 1:
            return GraphEdits()
        wrap = functools.partial(
            ChannelExchange, threshold=self.threshold, share_only=self.share_only
        )

        def exchange(norm):
            if not getattr(norm, "scale", False):
                raise ValueError(
                    "Channel exchange compares gamma, which layer '"
                    f"{norm.name}' does not have; choose other `sites`. "
                    f"Received: sites={self.sites!r}"
                )
            norm.gamma_regularizer = ModalityShareL1(self.l1) if self.l1 else None
            return wrap(norm)

        return GraphEdits(normalization=dict.fromkeys(found, exchange))

    def get_config(self):
        return {
            "threshold": self.threshold,
            "l1": self.l1,
            "share_only": self.share_only,
            "sites": self.sites,
        }
