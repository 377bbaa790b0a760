import keras
import numpy as np
import pytest

from keras_asym.profile.counts import count_macs
from recipes import costs
from recipes.data.dataset import Facts
from recipes.data.sources import MemorySource
from recipes.segmentation.task import Segmentation
from tests.recipes.segmentation.tiny import tiny_config

pytestmark = pytest.mark.usefixtures("short_networks")


@pytest.fixture(scope="module")
def task():
    config = tiny_config("nowhere")
    config.inputs = ("depth",)
    dtypes = {"depth": "uint16", "label": "uint8"}
    facts = Facts("rooms", "", dict.fromkeys(dtypes, 1), dtypes, {}, tuple("abcde"))
    return Segmentation(config, facts)


def test_the_cost_of_an_image_as_evaluations_see_it(task):
    image = {"depth": np.ones((2, 40, 56, 1), "uint16"), "label": np.zeros((2, 40, 56, 1), "uint8")}
    model = task.build_model(1)
    found = costs.measure(task, model, MemorySource(image))
    assert found["size"] == [40, 56]
    assert found["macs"] == count_macs(model, 40, 56).total > 0
    variables = model.trainable_variables
    assert found["trainable_parameters"] == sum(int(keras.ops.size(v)) for v in variables)
    assert found["trainable_parameters"] < model.count_params()  # without moving statistics
    assert found["milliseconds"] > 0 and found["repetitions"] == costs.REPETITIONS
    assert found["device"]
