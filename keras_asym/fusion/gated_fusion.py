import keras
from keras import layers

from keras_asym.fusion.merging import Merging, check_images, convolution
from keras_asym.layers import ConcatenateModalities


@keras.saving.register_keras_serializable(package="keras_asym")
class GatedFusion(Merging):
    """Merges the modalities by the gate of SSMA, "Attention" in the papers' tables.

    With f the concatenated features: `conv(f * sigmoid(conv3x3(relu(conv3x3(f)))))` (Valada et al.
    2019, [arXiv 1808.03833](https://arxiv.org/abs/1808.03833), Self-Supervised Model Adaptation).
    The two 3x3 convolutions have biases and squeeze the channels in between.

    Args:
        stage, sites: Where; see `Merging`.
        reduction: By how much the channels between the two convolutions are fewer than those of
            f: 16 on the coarsest features in SSMA, 6 on its skip connections.
        output_size: Size of the last convolution's kernel: 1 and 3 there.
        normalize: Whether a normalization follows the last convolution, which has no bias then: so
            on the coarsest features of SSMA, not so on its skip connections.

    Raises:
        ValueError: If `stage` is none of these or `reduction` is below 1; in `to_multimodal`, if
            `sites` finds no layer.

    Example:

    >>> model = keras_asym.fusion.to_multimodal(
    ...     keras_asym.networks.ResNet(18), {"rgb": 3, "depth": 1},
    ...     keras_asym.fusion.GatedFusion("early"))
    >>> model.get_layer("stack0_block1_out_merge_squeeze_conv").kernel.shape
    (3, 3, 128, 8)
    """

    def __init__(self, stage="late", sites=None, reduction=16, output_size=1, normalize=True):
        super().__init__(stage, sites)
        if not reduction >= 1:
            raise ValueError(f"`reduction` must be at least 1. Received: reduction={reduction}")
        self.reduction = reduction
        self.output_size = output_size
        self.normalize = normalize

    def merge(self, x, name, modalities, norm):
        check_images(x, self, name)
        channels, start = x.shape[-1], keras.initializers.TruncatedNormal(stddev=0.01)
        x = ConcatenateModalities(modalities, name=f"{name}_concat")(x)
        squeezed = max(1, round(x.shape[-1] / self.reduction))
        gate = convolution(
            squeezed, 3, f"{name}_squeeze_conv", use_bias=True, kernel_initializer=start
        )(x)
        gate = layers.ReLU(name=f"{name}_squeeze_relu")(gate)
        gate = convolution(
            x.shape[-1], 3, f"{name}_gate_conv", use_bias=True, kernel_initializer=start.clone()
        )(gate)
        gate = layers.Activation("sigmoid", name=f"{name}_gate")(gate)
        x = layers.Multiply(name=f"{name}_gated")([x, gate])
        x = convolution(channels, self.output_size, f"{name}_conv", use_bias=not self.normalize)(x)
        return norm(f"{name}_norm")(x) if self.normalize else x

    def get_config(self):
        return {
            **super().get_config(),
            "reduction": self.reduction,
            "output_size": self.output_size,
            "normalize": self.normalize,
        }
