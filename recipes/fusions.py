"""The fusion strategies that a config can name."""

from keras_asym import fusion

FUSIONS = {
    "channel_exchanging": lambda c: fusion.ChannelExchanging(
        c.threshold, c.l1, c.share_only, c.exchange_sites
    ),
    "asymmetric_fusion": lambda c: fusion.AsymmetricFusion(c.shuffle_sites or None, c.shift_source),
    "private_normalization": lambda c: fusion.PrivateNormalization(),
}
"""Name -> function of `config.fusion` that makes the strategy."""
