"""The fusion strategies that a config can name."""

from keras_asym import fusion


def _exchange(c, **changes):
    settings = {
        "threshold": c.threshold,
        "l1": c.l1,
        "share_only": c.share_only,
        "sites": c.exchange_sites,
    }
    return fusion.ChannelExchanging(**{**settings, **changes})


def _steered_exchange(c):
    if c.target_rate is None:
        return _exchange(c)
    changes = c.start_rate not in (None, c.target_rate)
    schedule = {"start_rate": c.start_rate, "steps": c.exchange_steps} if changes else {}
    return _exchange(c, target_rate=c.target_rate, **schedule)


def _asymmetric(c, **changes):
    return fusion.AsymmetricFusion(c.shuffle_sites or None, c.shift_source, **changes)


def _tokens(c):
    return fusion.TokenExchanging(
        c.token_threshold, c.token_l1, c.token_l1_reduction, c.token_predictors, c.token_sites
    )


def _unshared(*strategies):
    return fusion.Combined([fusion.UnsharedNetworks(), *strategies])


def _merging(make):
    """An aggregation, with an encoder for each modality where the config asks for it."""

    def strategy(c):
        made = make(c, c.stage, c.merge_sites or None)
        return made if c.share_encoder else _unshared(made)

    return strategy


def _ssma(c):
    """Both gates of SSMA, on the coarsest features and on the skip connections of AdapNet++."""
    coarse = fusion.GatedFusion(sites="^easpp_bn$", reduction=16)
    skips = fusion.GatedFusion(sites=r"^skip\d_bn$", reduction=6, output_size=3, normalize=False)
    return _unshared(coarse, skips)


FUSIONS = {
    # The papers' systems, and the network without fusion.
    "channel_exchanging": _steered_exchange,
    "asymmetric_fusion": _asymmetric,
    "private_normalization": lambda c: fusion.PrivateNormalization(),
    # Aggregation: one stream from a stage of the encoder on.
    "concatenation": _merging(lambda c, *at: fusion.Concatenation(*at)),
    "averaging": _merging(lambda c, *at: fusion.Averaging(*at)),
    "gated_fusion": _merging(lambda c, *at: fusion.GatedFusion(*at)),
    "multi_modal_fusion": _merging(lambda c, *at: fusion.MultiModalFusion(*at)),
    # A network for each modality, with a loss that draws their features together, or without.
    "alignment": lambda c: _unshared(fusion.Alignment(c.alignment_weight)),
    "unshared_networks": lambda c: fusion.UnsharedNetworks(),
    # Controls of channel exchange.
    "random_exchange": lambda c: _exchange(c, l1=0.0, rule="random", rate=c.random_rate),
    "share_exchange": lambda c: _exchange(c, l1=0.0, rule="all", share_only=True),
    "full_exchange": lambda c: _exchange(c, l1=0.0, rule="all", share_only=False),
    "exchange_without_l1": lambda c: _exchange(c, l1=0.0),
    "l1_without_exchange": lambda c: _exchange(c, threshold=0.0),
    "shared_normalizations": lambda c: fusion.SharedNormalizations(),
    "unshared_exchange": lambda c: _unshared(_steered_exchange(c)),
    # Controls of asymmetric fusion.
    "asymmetric_without_shuffle": lambda c: _asymmetric(c, shuffle=False),
    "asymmetric_without_shift": lambda c: _asymmetric(c, addition="none"),
    "symmetric_fusion": lambda c: _asymmetric(c, shuffle=False, addition="plain"),
    "one_direction": lambda c: _asymmetric(c, receivers=(0,)),
}
"""Name -> function of `config.fusion` that makes the strategy, for any network."""

OF_ONE_NETWORK = {
    "ssma": _ssma,
    # Of networks on a Mix Transformer.
    "token_exchanging": _tokens,
    "token_and_channel_exchanging": lambda c: fusion.Combined([_tokens(c), _steered_exchange(c)]),
}
"""Those whose sites only one network has, or one encoder."""

ALL_FUSIONS = {**FUSIONS, **OF_ONE_NETWORK}
"""What `config.fusion.name` can be."""
