import keras
import pytest

from keras_asym import layers, models, networks
from recipes.data.dataset import Facts
from recipes.preset_card import card
from recipes.segmentation.configs import rendered_rooms
from recipes.segmentation.task import Segmentation

FACTS = Facts("rooms", "", {"rgb": 3, "depth": 1}, {"rgb": "uint8", "depth": "uint16"}, {})
FIGURES = {
    "protocol": "single scale, test split",
    "images": 7,
    "results": {
        "rgb": {"pixel accuracy": 0.5, "mean accuracy": 0.4, "mean IoU": 0.3, "ECE": 0.05},
        "ensemble": {"pixel accuracy": 0.6, "mean accuracy": 0.5, "mean IoU": 0.4, "ECE": 0.01},
    },
    "subsets": {"rgb + depth": 0.4, "rgb": 0.3, "depth": 0.1},
    "seeds": {0: 0.4, 1: 0.42, 2: 0.44},
    "cost": {
        "macs": 2.5e9,
        "milliseconds": 12.4,
        "repetitions": 20,
        "size": [60, 80],
        "device": "X",
    },
}


@pytest.fixture(scope="module")
def text():
    task = Segmentation(rendered_rooms.get_config(), FACTS)
    network = networks.RefineNet("resnet18", 2, "light", (8,) * 4, backbone_width=8)
    converters = {
        "rgb": layers.SensorConverter(3, "uint8", scale=1 / 255),
        "depth": layers.SensorConverter(1, "uint16", scale=0.001, mean=2.5, std=1.2, invalid=0),
    }
    model = models.Segmenter(network, {"rgb": 3, "depth": 1})
    model.set_preprocessor(models.SensorPreprocessor(converters))
    return card(task, model, FIGURES, "apache-2.0", "mine"), model


def test_what_the_card_says(text):
    shown, model = text
    assert shown.startswith("---\nlibrary_name: keras_asym\nlicense: apache-2.0\n")
    assert "Segmentation from rgb + depth by one shared network" in shown
    assert "7 images of `rendered_rooms`; seed 0, one run. Percent.\n" in shown
    assert f"{model.network.count_params():,} parameters" in shown
    assert (
        "| depth | uint16 | 1 | encoding linear, scale 0.001, mean 2.5, std 1.2, invalid 0 |"
        in shown
    )
    assert "| output | pixel accuracy | mean accuracy | mean IoU | ECE |" in shown
    assert "| ensemble | 60.0 | 50.0 | 40.0 | 1.0 |" in shown
    assert "3 runs (seeds 0, 1, 2): mean IoU of the ensemble 42.0 ± 2.0" in shown
    assert "(EMM): mean IoU 26.7; all, rgb + depth: 40.0; the worst, depth: 10.0." in shown
    assert "An image of 60x80: 2.5 GMACs, 12 ms on X, the median of 20." in shown
    assert "--config=mine/metadata.json" in shown


def test_what_is_not_known_is_left_out(text):
    task = Segmentation(rendered_rooms.get_config(), FACTS)
    cost = {**FIGURES["cost"], "macs": None}
    figures = {**FIGURES, "subsets": {}, "seeds": {0: 0.4}, "cost": cost}
    shown = card(task, text[1], figures, "", "mine")
    assert "EMM" not in shown and "runs (" not in shown and "MACs" not in shown
    assert "license: unknown" in shown and keras.version() not in shown
