import numpy as np
import pytest
import tensorflow as tf

from keras_asym.profile.__main__ import main as profile
from recipes.export import export_run, parse
from recipes.quantization import network_values, quantization_images
from recipes.run_folder import RunFolder
from recipes.segmentation.task import Segmentation
from tests.recipes.segmentation.tiny import tiny_config


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    config = tiny_config(tmp_path_factory.mktemp("data"))
    config.network.update(name="realtime", backbone="efficientnet_lite0", filters=8)
    return Segmentation(config)


@pytest.fixture(scope="module")
def dataset(task):
    return task.open()


def test_training_images_are_drawn_by_the_seed(task, dataset):
    arrays = quantization_images(task, dataset, number=3, checked=2)
    assert {name: (x.shape, x.dtype.name) for name, x in arrays.items()} == {
        "rgb": ((3, 48, 64, 3), "uint8"),
        "depth": ((3, 48, 64, 1), "uint16"),
        "check/rgb": ((2, 48, 64, 3), "uint8"),
        "check/depth": ((2, 48, 64, 1), "uint16"),
        "check/label": ((2, 48, 64, 1), "uint8"),
    }
    train, test = (dataset.source(x, ("rgb", "depth", "label")) for x in ("train", "test"))
    found = [
        [(x["rgb"] == train[i]["rgb"]).all() and (y == train[i]["depth"]).all() for i in range(4)]
        for x, y in zip([{"rgb": rgb} for rgb in arrays["rgb"]], arrays["depth"], strict=True)
    ]
    assert np.sum(found, 1).tolist() == [1, 1, 1] and np.sum(found) == len(set(np.argmax(found, 1)))
    np.testing.assert_array_equal(arrays["check/label"][1], test[1]["label"])
    again = quantization_images(task, dataset, number=3, checked=2)
    np.testing.assert_array_equal(again["rgb"], arrays["rgb"])
    values = network_values(arrays, task.modalities)
    assert values["rgb"].dtype == values["check/depth"].dtype == "float32"
    hole = arrays["depth"] == 0
    np.testing.assert_allclose(
        values["depth"], np.where(hole, 0, (arrays["depth"] * 1e-3 - 2.5) / 1.2), atol=1e-5
    )
    assert values["check/label"].dtype == "uint8"


def test_images_of_another_size_are_passed_over(task):
    class Images(list):
        evaluated_split = "test"

        def source(self, split, names):
            return self

    def example(height, value):
        images = {"rgb": np.full((height, 4, 3), value), "depth": np.full((height, 4, 1), value)}
        return {**images, "label": images["depth"]}

    found = quantization_images(task, Images(example(3 + (i in (2, 5)), i) for i in range(9)))
    sizes = {x.shape[1] for x in found.values()}
    assert len(sizes) == 1
    number = {3: 7, 4: 2}[sizes.pop()]
    assert {len(x) for x in found.values()} == {number}
    with pytest.raises(ValueError, match="needs training images"):
        quantization_images(task, Images())


def test_an_exported_run_is_quantized_and_compared(task, dataset, tmp_path, capsys):
    pytest.importorskip("ai_edge_litert", reason="pip install 'keras_asym[litert]'")
    pytest.importorskip("tf2onnx", reason="pip install 'keras_asym[onnx]'")
    model = task.build_model(1)
    run = RunFolder(tmp_path / "run")
    run.write_config(task)
    model.save(run.path / "best.keras")
    options = parse(Segmentation, "--quantize", "--outputs=classes", "--nowarmup")
    version = export_run(Segmentation, run.path, tmp_path / "served", options)
    names = {path.name for path in (version / "assets.extra").iterdir()}
    assert names == {"model_int8.tflite", "model_int8.onnx", "quantization_images.npz"}
    assert tf.saved_model.contains_saved_model(str(version))
    profile([f"--model={version}", "--quantize", "--formats=litert", "--repetitions=2"])
    assert "LiteRT" in capsys.readouterr().out
    with np.load(run.path / "quantization_images.npz") as file:
        assert file["rgb"].dtype == "float32" and len(file["check/label"]) == 3
