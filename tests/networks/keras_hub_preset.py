import pytest


def save_preset(folder, scale, offset):
    """Writes a small encoder of KerasHub with its image converter, as KerasHub's cache holds it."""
    hub = pytest.importorskip("keras_hub")
    encoder = hub.models.ResNetBackbone(
        input_conv_filters=[4],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 4, 4, 4],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="bottleneck_block",
    )
    encoder.save_to_preset(folder)
    hub.layers.ResNetImageConverter(scale=scale, offset=offset).save_to_preset(folder)
    return encoder
