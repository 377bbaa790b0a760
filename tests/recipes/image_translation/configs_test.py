import importlib
import pathlib

import pytest
import tensorflow as tf

from recipes.image_translation import configs
from recipes.image_translation.task import ImageTranslation
from tfds_builders.rendered_rooms import render

NAMES = sorted(
    path.stem for path in pathlib.Path(configs.__path__[0]).glob("*.py") if path.stem != "__init__"
)


def config_of(name):
    return importlib.import_module(f"recipes.image_translation.configs.{name}").get_config()


@pytest.mark.parametrize("name", NAMES)
def test_every_config_is_sound(name):
    ImageTranslation(config_of(name)).check()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("taskonomy_")])
def test_the_papers_settings(name):
    config = config_of(name)
    assert config.data.columns == (*config.inputs, config.target)
    assert (config.batch_size, config.epochs, config.generator.depth) == (1, 300, 8)
    assert (config.optimizer.rate, config.optimizer.beta_1) == (2e-4, 0.5)
    assert (config.fusion.threshold, config.fusion.l1, config.l1_weight) == (1e-2, 1e-3, 100)
    assert config.dropout_at_test and config.instance_statistics


def test_all_combinations_of_the_papers_are_there():
    found = {(frozenset(c.inputs), c.target) for c in map(config_of, NAMES)}
    shade, texture, depth = "reshading", "edge_texture", "depth_euclidean"
    normal, edge = "normal", "edge_occlusion"
    to_rgb = [
        (shade, texture),
        (depth, normal),
        (shade, depth),
        (normal, texture),
        (depth, texture, normal),
        (shade, normal, edge),
        (depth, normal, texture, shade),
    ]
    others = [(("rgb", shade), normal), (("rgb", normal), shade), (("rgb", edge), depth)]
    expected = [*((inputs, "rgb") for inputs in to_rgb), *others]
    assert {(frozenset(inputs), target) for inputs, target in expected} <= found


def test_a_target_that_only_both_inputs_determine():
    """By a guess from both: the product of the inputs as the network sees them, in [0, 1]."""
    task = ImageTranslation(config_of("rendered_rooms_albedo_illumination"))
    inputs, target, _ = task.examples.evaluation(
        {name: tf.constant(image) for name, image in render(0, 128, 128).items()}, "room"
    )
    albedo, illumination = ((inputs[name] + 1) / 2 for name in task.config.inputs)
    product = tf.minimum(2 ** (1 / 2.2) * albedo * illumination, 1)
    assert float(tf.reduce_mean(tf.abs(product - (target + 1) / 2))) < 0.003
