import keras
from keras import layers

from keras_asym.fusion.merging import Merging, check_images, convolution
from keras_asym.layers import AverageModalities, ModalityCopies

_LARGEST = 512  # the width of RDFNet at its coarsest features


@keras.saving.register_keras_serializable(package="keras_asym")
class MultiModalFusion(Merging):
    """Merges the modalities by the multi-modal feature fusion block of RDFNet ("MMF").

    Each modality's features pass dropout, a 1x1 convolution, two residual convolution units and a
    3x3 convolution with weights of their own; the sum of all is rectified, and one residual pooling
    (5x5 max-pooling and a 3x3 convolution) added (Park et al. 2017, RDFNet: RGB-D Multi-level
    Residual Feature Fusion, [ICCV](https://openaccess.thecvf.com/content_iccv_2017/html/Park_RDFNet_RGB-D_Multi-Level_ICCV_2017_paper.html)).
    RDFNet goes on with the narrow features; for networks that go on with as many channels as
    before, a 1x1 convolution at the end gives these, where they differ.

    Args:
        stage, sites: Where; see `Merging`. `r"refine\\d_adapt_conv$"` in a `RefineNet`, whose
            features are narrow there, is nearest to RDFNet.
        width: Channels inside of the block; `None` for those of the features, 512 at most.
        dropout: Rate of the dropout.

    Raises:
        ValueError: If `stage` is none of these; in `to_multimodal`, if `sites` finds no layer.

    Example:

    >>> model = keras_asym.fusion.to_multimodal(
    ...     keras_asym.networks.ResNet(18), {"rgb": 3, "depth": 1},
    ...     keras_asym.fusion.MultiModalFusion("early"))
    >>> list(model.output)
    ['ensemble']
    """

    def __init__(self, stage="late", sites=None, width=None, dropout=0.5):
        super().__init__(stage, sites)
        self.width = width
        self.dropout = dropout

    def merge(self, x, name, modalities, norm):
        check_images(x, self, name)
        channels = x.shape[-1]
        width = self.width or min(channels, _LARGEST)

        def own(layer):
            return ModalityCopies(modalities, layer)

        x = layers.Dropout(self.dropout, name=f"{name}_dropout")(x)
        x = own(convolution(width, 1, f"{name}_reduce_conv"))(x)
        for unit in range(2):
            prefix = f"{name}_unit{unit}"
            y = layers.ReLU(name=f"{prefix}_relu")(x)
            y = own(convolution(width, 3, f"{prefix}_1_conv", use_bias=True))(y)
            y = layers.ReLU(name=f"{prefix}_1_relu")(y)
            y = own(convolution(width, 3, f"{prefix}_2_conv"))(y)
            x = layers.Add(name=f"{prefix}_add")([x, y])
        x = own(convolution(width, 3, f"{name}_conv"))(x)
        x = AverageModalities(modalities, "sum", name=f"{name}_sum")(x)
        x = layers.ReLU(name=f"{name}_relu")(x)
        pooled = layers.MaxPooling2D(5, 1, padding="same", name=f"{name}_pool")(x)
        pooled = convolution(width, 3, f"{name}_pool_conv")(pooled)
        x = layers.Add(name=f"{name}_pool_add")([x, pooled])
        if width != channels:
            x = convolution(channels, 1, f"{name}_output_conv")(x)
        return x

    def get_config(self):
        return {**super().get_config(), "width": self.width, "dropout": self.dropout}
