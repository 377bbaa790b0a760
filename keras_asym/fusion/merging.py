import keras

from keras_asym.fusion.stages import STAGES, end_of_stage, kind_of_norm
from keras_asym.fusion.strategy import FusionStrategy, GraphEdits, find_sites
from keras_asym.layers import AddToModalities
from keras_asym.layers.sublayers import made_again


class Merging(FusionStrategy):
    """Base class of the strategies that merge the modalities into one stream (aggregation).

    What leads to the sites runs on each modality, with private norms; what follows runs once, on
    the merged features, so that the model has one output, `"ensemble"`. A skip connection that goes
    around the sites is merged where it leaves the encoder, in the same way. Subclasses implement
    `merge`, and hand `stage` and `sites` on where they have arguments of their own.

    The papers compare with such networks and do not say where the features meet; the stages here
    are this package's choice.

    Args:
        stage: `"early"`, `"middle"` or `"late"`: the end of the first stage of the encoder, of the
            middle one, or of the last; `"all"`: of the last, and at the ends of the two others the
            merged features are added to those of each modality.
        sites: Regular expression, searched in the names of layers, whose outputs are merged in
            place of a stage's.

    Raises:
        ValueError: If `stage` is none of these; in `to_multimodal`, if `sites` finds no layer.

    Example:

    >>> class Sum(keras_asym.fusion.Merging):
    ...     def merge(self, x, name, modalities, norm):
    ...         mean = keras_asym.layers.AverageModalities(modalities, name=name)(x)
    ...         return keras.layers.Rescaling(float(modalities), name=f"{name}_sum")(mean)
    >>> model = keras_asym.fusion.to_multimodal(
    ...     keras_asym.networks.ResNet(18), {"rgb": 3, "depth": 1}, Sum("middle"))
    >>> list(model.output)
    ['ensemble']
    """

    def __init__(self, stage="late", sites=None):
        if stage not in (*STAGES, "all"):
            raise ValueError(
                f"`stage` must be one of {(*STAGES, 'all')}. Received: stage={stage!r}"
            )
        self.stage = stage
        self.sites = sites

    def merge(self, x, name, modalities, norm):
        """Symbolic features of one stream.

        Args:
            x: Symbolic folded tensor `(batch * modalities, ..., channels)`.
            name: For the names of the layers that are added.
            modalities: Number of modalities.
            norm: Function of a name that returns a new normalization, of the network's kind.

        Returns:
            Symbolic tensor `(batch, ..., channels)`.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement merge()")

    def edits(self, network, modalities):
        if self.sites is not None:
            ends = list(find_sites(network, self.sites, "layer"))
        else:
            ends = [end_of_stage(network, "late" if self.stage == "all" else self.stage)]
        if modalities == 1:
            return GraphEdits()
        like = kind_of_norm(network, ends[0])

        def norm(name):
            # Keras writes the number of instance normalization's groups over the -1.
            instance = isinstance(like, keras.layers.GroupNormalization) and _is_of_instances(like)
            made = made_again(like, name=name, **({"groups": -1} if instance else {}))
            made.trainable = True
            return made

        def merge(x, name):
            return self.merge(x, f"{name}_merge", modalities, norm)

        def feed_back(name):
            def after(x, _):
                one = self.merge(x, f"{name}_fusion", modalities, norm)
                return AddToModalities(modalities, name=f"{name}_fused")([x, one])

            return after

        edits = GraphEdits(merge=dict.fromkeys(ends, merge))
        if self.sites is None and self.stage == "all":
            before = {end_of_stage(network, stage) for stage in ("early", "middle")} - set(ends)
            edits.after.update({name: feed_back(name) for name in before})
        return edits

    def get_config(self):
        return {"stage": self.stage, "sites": self.sites}


def _is_of_instances(norm):
    return norm.groups in (-1, norm.get_build_config()["input_shape"][-1])


def convolution(channels, size, name, use_bias=False, **settings):
    """A convolution that keeps height and width."""
    return keras.layers.Conv2D(
        channels, size, padding="same", use_bias=use_bias, name=name, **settings
    )


def check_images(x, strategy, name):
    """Raises `ValueError` unless features have a height and a width."""
    if len(x.shape) != 4:
        raise ValueError(
            f"{type(strategy).__name__} must merge where features are images (batch, height, "
            f"width, channels): choose other `sites`, or Concatenation. Received: {x.shape} at "
            f"'{name}'"
        )
