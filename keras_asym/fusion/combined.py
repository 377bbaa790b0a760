import dataclasses

import keras

from keras_asym.fusion.strategy import FusionStrategy, GraphEdits


@keras.saving.register_keras_serializable(package="keras_asym")
class Combined(FusionStrategy):
    """Several fusion strategies on one network, each at its own sites.

    Args:
        strategies: List of fusion strategies.

    Raises:
        ValueError: If `strategies` holds no strategy; in `to_multimodal`, if two of them change the
            same place.

    Example:

    >>> fusion = keras_asym.fusion.Combined([
    ...     keras_asym.fusion.ChannelExchanging(sites="stack[01]_block0_1_bn"),
    ...     keras_asym.fusion.AsymmetricFusion(),
    ... ])
    >>> model = keras_asym.fusion.to_multimodal(
    ...     keras_asym.networks.ResNet(18), {"rgb": 3, "depth": 1}, fusion)
    >>> sum("exchange" in layer.name for layer in model.layers)
    2
    """

    def __init__(self, strategies):
        self.strategies = list(strategies)
        if not self.strategies or not all(isinstance(x, FusionStrategy) for x in self.strategies):
            raise ValueError(
                "`strategies` must be a list of fusion strategies. "
                f"Received: strategies={strategies!r}"
            )

    def edits(self, network, modalities):
        merged = GraphEdits()
        for strategy in self.strategies:
            edits = strategy.edits(network, modalities)
            for key in (field.name for field in dataclasses.fields(GraphEdits)):
                both = sorted(set(getattr(merged, key)) & set(getattr(edits, key)))
                if both:
                    raise ValueError(
                        "The strategies of Combined must change different places: choose other "
                        f"`sites` for {type(strategy).__name__}. Received: '{both[0]}', whose "
                        f"`{key}` an earlier one changes already"
                    )
                getattr(merged, key).update(getattr(edits, key))
        return merged

    def get_config(self):
        return {"strategies": [keras.saving.serialize_keras_object(x) for x in self.strategies]}

    @classmethod
    def from_config(cls, config):
        return cls([keras.saving.deserialize_keras_object(x) for x in config["strategies"]])
