import numpy as np
import tensorflow as tf

from recipes.run_directory import open_run
from recipes.segmentation.data import class_names, open_dataset, open_split, pipeline_config
from recipes.segmentation.export import export_run
from recipes.segmentation.input_pipeline import eval_dataset
from recipes.segmentation.model import build_model
from tests.recipes.segmentation.tiny import tiny_config


def test_the_network_has_the_validity_channel_and_what_is_served_adds_it(tmp_path):
    config = tiny_config(tmp_path / "data")
    config.data.num_examples = {"train": 2}
    config.inputs = ("depth",)
    config.modalities.depth = {**config.modalities.depth.to_dict(), "validity": True}
    workdir = open_run(tmp_path / "run", config)
    builder = open_dataset(config)
    pipeline = pipeline_config(config, len(class_names(builder)))
    model = build_model(config, pipeline["num_classes"])
    assert model.network.input["depth"].shape[-1] == 2
    model.save(workdir / "best.keras")
    served = tf.saved_model.load(export_run(workdir, tmp_path / "served"))
    source = open_split(builder, "train", ("depth", "label"))
    raw = next(iter(source.batch(2)))["depth"]
    classes = served.signatures["serving_default"](depth=raw)["classes"]
    images, _ = next(iter(eval_dataset(source, pipeline, 2)))
    expected = np.argmax(model(images, training=False)["depth"], axis=-1)
    assert len(np.unique(expected)) > 1
    assert (np.array(classes) == expected).mean() > 0.999
