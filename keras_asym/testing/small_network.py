import keras
from keras import layers

from keras_asym.networks.resnet import bottleneck_block
from keras_asym.testing.running import randomize


def small_network(filters=5, channels=3, outputs=4):
    """A network with every kind of site: a bottleneck block, two of half the size, then logits.

    Args:
        filters: Channels inside of the blocks, at least 5; outside there are four times as many.
        channels: Channels of the images.
        outputs: Channels of the logits, in half of the image's size.

    Returns:
        Functional `keras.Model` with random weights.
    """
    inputs = keras.Input((None, None, channels))
    x = layers.Conv2D(4 * filters, 3, padding="same", use_bias=False, name="stem_conv")(inputs)
    x = layers.BatchNormalization(name="stem_bn")(x)
    x = bottleneck_block(x, filters, 1, "stack0_block0")
    x = bottleneck_block(x, filters, 2, "stack1_block0")
    x = bottleneck_block(x, filters, 1, "stack1_block1")
    x = layers.Conv2D(outputs, 1, name="logits")(x)
    return randomize(keras.Model(inputs, x, name="small"))
