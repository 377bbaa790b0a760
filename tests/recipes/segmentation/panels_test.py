import numpy as np

from recipes.segmentation.colors import colorize, palette
from recipes.segmentation.panels import class_legend, example_panel

MODALITIES = {"rgb": {"channels": 3}, "depth": {"channels": 1}}
INPUTS = {"rgb": np.zeros((2, 3, 3), "uint8"), "depth": np.ones((2, 3, 1), "uint16")}


def test_pictures_of_a_row_in_order():
    truth = np.array([[0, 1, 255], [1, 1, 1]])
    predictions = {"rgb": truth * 0, "depth": truth * 0, "ensemble": truth}
    panel = example_panel("room0", INPUTS, MODALITIES, truth, predictions, 2)
    assert panel["name"] == "room0"
    order = ["input: rgb", "input: depth", "truth", "rgb", "depth", "ensemble"]
    assert list(panel["images"]) == order
    np.testing.assert_array_equal(panel["images"]["ensemble"], colorize(truth, 2))
    assert {image.shape for image in panel["images"].values()} == {(2, 3, 3)}
    assert {image.dtype for image in panel["images"].values()} == {np.dtype("uint8")}


def test_without_truth():
    panel = example_panel("room0", INPUTS, MODALITIES, None, {"rgb": np.zeros((2, 3), int)}, 2)
    assert list(panel["images"]) == ["input: rgb", "input: depth", "rgb"]


def test_legend_has_the_colours_of_the_maps():
    legend = class_legend(["wall", "floor"])
    assert list(legend) == ["wall", "floor", "void"]
    assert legend["floor"] == tuple(palette(2)[1]) and legend["void"] == (0, 0, 0)
