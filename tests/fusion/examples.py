"""Networks that the fusion tests make multimodal."""

import functools

import keras
import pytest
from keras import layers

from keras_asym.networks import RefineNet, ResNet
from keras_asym.networks.resnet import bottleneck_block
from tests.helpers import randomize_norms


def bottlenecks(filters=10, channels=3, outputs=1, blocks=(2, 2)):
    """Two stages of bottlenecks: small, with every kind of site. Norms are randomized."""
    inputs = keras.Input((None, None, channels))
    x = layers.Conv2D(4 * filters, 3, padding="same", use_bias=False, name="stem_conv")(inputs)
    x = layers.BatchNormalization(name="stem_bn", epsilon=1e-4)(x)
    features = []
    for stage, count in enumerate(blocks):
        for block in range(count):
            stride = 2 if stage == 1 and block == 0 else 1
            x = bottleneck_block(x, filters, stride, f"stack{stage}_block{block}")
        features.append(layers.Conv2D(3, 1, name=f"logits{stage}")(x))
    network = keras.Model(inputs, features[-outputs] if outputs == 1 else features, name="small")
    return randomize_norms(network)


def branches(width=4):
    """Two residual branches that end as an attention does; nothing is random or of a batch."""
    x = inputs = keras.Input((None, None, 3))
    for block in (1, 2):
        x = layers.Conv2D(width, 3, 2, padding="same", name=f"conv{block}")(x)
        y = layers.LayerNormalization(name=f"norm{block}")(x)
        x = layers.Add()([x, layers.Dense(width, name=f"proj{block}")(y)])
    return keras.Model(inputs, layers.Conv2D(5, 1, name="classifier")(x), name="branches")


@functools.cache
def backbone(name):
    """The networks of the ecosystem (and ours) with random norms; do not change them."""
    size = (64, 64, 3)
    if name == "resnet18":
        network = ResNet(18)
    elif name == "refinenet":
        network = RefineNet("resnet18", 5, "light", (16, 16, 16, 16), dropout=0.5)
    elif name == "keras_hub":
        from keras_hub.models import ResNetBackbone

        network = ResNetBackbone(
            input_conv_filters=[16],
            input_conv_kernel_sizes=[7],
            stackwise_num_filters=[64, 16, 20, 24],
            stackwise_num_blocks=[1, 2, 2, 1],
            stackwise_num_strides=[1, 2, 2, 1],
            block_type="bottleneck_block",
            image_shape=size,
        )
    else:
        build = getattr(keras.applications, name)
        network = build(weights=None, include_top=False, input_shape=size)
    return randomize_norms(network)


# XLA takes half a minute for each of the larger ones: there they are left to the slow
# tests.
LARGE = [pytest.mark.slow] if keras.backend.backend() == "jax" else []
BACKBONES = (
    "resnet18",
    "keras_hub",
    *(
        pytest.param(name, marks=LARGE)
        for name in ("refinenet", "ResNet50", "MobileNetV2", "EfficientNetV2B0")
    ),
)
