import keras
import pytest
from keras import layers

from keras_asym.fusion.stages import STAGES, end_of_stage, kind_of_norm
from keras_asym.networks import UNetGenerator
from tests.fusion.examples import LARGE, backbone, bottlenecks


def test_of_a_unet():
    network = UNetGenerator(4, 6)
    assert [end_of_stage(network, x) for x in STAGES] == ["down2_norm", "down3_norm", "up1_norm"]


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("resnet18", ["stack0_block1_out", "stack1_block1_out", "stack3_block1_out"]),
        ("refinenet", ["stack0_block1_out", "stack1_block1_out", "stack3_block1_out"]),
        pytest.param("MobileNetV2", ["block_1_project_BN", "block_4_add", "out_relu"], marks=LARGE),
    ],
)
def test_of_backbones(name, ends):
    assert [end_of_stage(backbone(name), stage) for stage in STAGES] == ends


def test_thirds_where_the_resolution_stays():
    inputs = keras.Input((32, 32, 3))
    x = layers.Reshape((64, 8))(layers.Conv2D(8, 4, strides=4)(inputs))
    for block in range(4):
        x = layers.LayerNormalization(name=f"norm{block}")(x)
        x = layers.Dense(8, name=f"dense{block}")(x)
    network = keras.Model(inputs, x)
    ends = [end_of_stage(network, stage) for stage in STAGES]
    assert ends[-1] == "norm3" and len(set(ends)) == 3


def test_pooled_pyramids_are_no_stage():
    """A pyramid's pools (PSPNet) are smaller than the encoder's end, and not behind it."""
    inputs = keras.Input((None, None, 3))
    x = inputs
    for stage in range(4):
        x = layers.Conv2D(8, 3, strides=2, padding="same", name=f"conv{stage}")(x)
        x = layers.BatchNormalization(name=f"bn{stage}")(x)
    pooled = layers.GlobalAveragePooling2D(keepdims=True)(x)
    pooled = layers.BatchNormalization(name="pool_bn")(layers.Conv2D(8, 1)(pooled))
    x = layers.Add()([x, pooled])
    network = keras.Model(inputs, layers.Conv2D(2, 1)(x))
    assert end_of_stage(network, "late") == "bn3"


def test_new_norms_are_like_those_that_lead_there():
    assert kind_of_norm(bottlenecks(), "stack0_block1_out").name == "stack0_block1_3_bn"
    assert isinstance(kind_of_norm(UNetGenerator(4, 4), "down2_norm"), layers.GroupNormalization)


def test_wrong_stage():
    with pytest.raises(ValueError, match=r"`stage` must be one of .* Received: stage='last'"):
        end_of_stage(bottlenecks(), "last")
