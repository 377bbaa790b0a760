import numpy as np
import pytest
import tensorflow as tf

from recipes.data.batches import evaluation_batches
from recipes.export import export_run
from recipes.run_folder import RunFolder
from recipes.segmentation.task import Segmentation
from tests.recipes.segmentation.tiny import tiny_config


@pytest.mark.usefixtures("short_networks")
def test_the_network_has_the_validity_channel_and_what_is_served_adds_it(tmp_path):
    config = tiny_config(tmp_path / "data")
    config.data.num_examples = {"train": 2}
    config.inputs = ("depth",)
    config.modalities.depth = {**config.modalities.depth.to_dict(), "validity": True}
    task = Segmentation(config)
    dataset = task.open()
    model = task.build_model(1)
    assert model.network.input["depth"].shape[-1] == 2
    run = RunFolder(tmp_path / "run")
    run.write_config(task)
    model.save(run.path / "best.keras")
    served = tf.saved_model.load(export_run(Segmentation, run.path, tmp_path / "served"))
    source = dataset.source("train", ("depth", "label"))
    raw = np.stack([source[number]["depth"] for number in range(2)])
    classes = served.signatures["serving_default"](depth=tf.constant(raw))["classes"]
    images, _ = next(iter(evaluation_batches(source, task.examples, 2)))
    expected = np.argmax(model(images, training=False)["depth"], axis=-1)
    assert len(np.unique(expected)) > 1
    assert (np.array(classes) == expected).mean() > 0.999
