"""The config with sensors that fail: what the data say of absence reaches the network."""

import numpy as np
import pytest

from recipes.data.batches import evaluation_batches, training_batches
from recipes.data.datasets import open_dataset
from recipes.dry_run import dry_run
from recipes.segmentation.configs import rendered_rooms_sensors
from recipes.segmentation.evaluation import Protocol, evaluate, make_predict
from recipes.segmentation.task import Segmentation
from recipes.train import make_training
from tests.recipes.segmentation.tiny import tiny_config

pytestmark = [
    pytest.mark.usefixtures("short_networks", "without_graphs"),
    pytest.mark.filterwarnings("ignore:.*__array__ impl.*:DeprecationWarning"),
]

FRAMES = 7  # so that the sensor of one has failed


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


def tiny(data_dir, inputs=None):
    small, config = tiny_config(data_dir), rendered_rooms_sensors.get_config()
    for key in ("network", "augmentation", "stages", "batch_size", "eval_batch_size"):
        config[key] = small[key]
    config.data.update(data_dir=str(data_dir), width=32, height=24)
    config.data.num_examples = {"train": FRAMES, "validation": 2}
    config.augmentation.update(size=(32, 32), shorter_side=24)
    config.inputs = inputs or config.inputs
    return config


@pytest.fixture(scope="module")
def task(data_dir):
    task = Segmentation(tiny(data_dir))
    task.check()
    task.open()
    return task


@pytest.fixture(scope="module")
def model(task):
    return task.build_model(1)


def test_two_steps_and_an_evaluation(data_dir, capsys):
    config = tiny(data_dir)
    assert config.fusion.modality_dropout == ("uniform",)
    dry_run(Segmentation(config), make_training)
    text = capsys.readouterr().out
    assert "Loss of a step" in text and "nan" not in text
    assert "present                  bool     (2, 4)" in text


def test_the_default_sensors_are_four_and_all_six_are_described(data_dir):
    assert tiny(data_dir).inputs == ("rgb", "depth", "thermal", "infrared")
    six = Segmentation(tiny(data_dir, ("rgb", "depth", "thermal", "infrared", "event", "normal")))
    six.check()
    six.survey(six.open())
    assert six.facts.sensors == ("rgb", "depth", "thermal", "event", "normal", "infrared")


def test_batches_say_what_is_absent(task):
    source = task.open().source("train", task.image_names)
    order = ("rgb", "depth", "thermal", "infrared")
    expected = [
        [bool(example["present"][task.facts.sensors.index(name)]) for name in order]
        for example in source.dataset().as_numpy_iterator()
    ]
    batches = evaluation_batches(source, task.examples, 5)
    found = np.concatenate([images["present"] for images, _ in batches.as_numpy_iterator()])
    assert found[:FRAMES].tolist() == expected
    assert found[FRAMES:].all()  # what fills up the last batch
    assert any(False in row for row in expected) and all(any(row) for row in expected)
    images, _ = next(training_batches(source, task.examples, 4).as_numpy_iterator())
    assert images["present"].shape == (4, 4) and images["present"].dtype == bool


def test_one_sensor_alone_is_always_there(data_dir):
    task = Segmentation(tiny(data_dir, ("depth",)))
    source = task.open().source("train", task.image_names)
    images, _ = next(evaluation_batches(source, task.examples, 2).as_numpy_iterator())
    assert set(images) == {"depth"}


def test_what_an_absent_sensor_shows_does_not_matter(task, model):
    rng = np.random.default_rng(0)
    images = {
        name: rng.standard_normal((2, 32, 32, n)).astype("float32")
        for name, n in task.input_channels.items()
    }
    told = {"present": np.array([[True, True, False, True], [True] * 4])}
    other = {**images, "thermal": images["thermal"] + 3}
    predict = make_predict(model, task.modalities, Protocol())
    first, second = (predict({**x, **told})["ensemble"] for x in (images, other))
    np.testing.assert_allclose(first[0], second[0], atol=1e-6)
    assert np.abs(first[1] - second[1]).max() > 1e-4
    assert np.abs(first[0] - predict(images)["ensemble"][0]).max() > 1e-4


def test_every_scale_window_and_mirror_image_is_told():
    found = []

    class Model:
        def predict_on_batch(self, images):
            found.append(images["present"])
            return {"ensemble": np.zeros((*images["rgb"].shape[:3], 2), "float32")}

    present = np.array([[True, False]])
    image = np.zeros((1, 32, 32, 3), "float32")
    predict = make_predict(Model(), {"rgb": {}}, Protocol((0.5, 1.0), flip=True, window=(24, 32)))
    predict({"rgb": image, "present": present})
    assert len(found) == 2 * 2 * 2 and all((x == present).all() for x in found)


def test_an_evaluation_with_absences(task, model):
    source = task.open().source("train", task.image_names)
    batches = evaluation_batches(source, task.examples, 4)
    results, *_ = evaluate(model, batches, task.modalities, progress=False)
    assert 0 <= results["ensemble"]["mean IoU"] <= 1
    assert set(task.pictures(model, source, 1)[0][1]) >= {"input: thermal", "ensemble"}


def test_another_configuration_of_the_rooms_is_named(data_dir):
    config = tiny(data_dir)
    config.data.name = "rendered_rooms/sonars"
    with pytest.raises(ValueError, match=r"must be rendered_rooms or rendered_rooms/sensors"):
        open_dataset(config.data)
