import hashlib
import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_asym.fusion import ChannelExchanging
from keras_asym.layers import SensorConverter
from keras_asym.models import Segmenter, SensorPreprocessor, Translator
from keras_asym.models.presets import check_preset
from tests.models.tiny import batch, tiny_segmenter
from tests.models.tiny_translator import tiny_translator

RNG = np.random.default_rng(0)
RAW = {
    "rgb": RNG.integers(0, 256, (2, 8, 12, 3)).astype("uint8"),
    "depth": RNG.integers(0, 5000, (2, 8, 12, 1)).astype("uint16"),
}


def preprocessor():
    return SensorPreprocessor(
        {
            "rgb": SensorConverter(3, "uint8", encoding="uint8"),
            "depth": SensorConverter(1, "uint16", scale=0.001, mean=2.0, invalid=0),
        }
    )


def outputs(model, x):
    return {k: keras.ops.convert_to_numpy(v) for k, v in model(x, training=False).items()}


def assert_same(first, second):
    assert sorted(first) == sorted(second)
    for key, value in first.items():
        np.testing.assert_allclose(second[key], value, rtol=1e-6, atol=1e-6)


@pytest.fixture(scope="module")
def trained():
    """A Segmenter of raw images, trained for a step."""
    model = tiny_segmenter(2, ChannelExchanging(target_rate=0.5), preprocessor=preprocessor())
    model.compile(keras.optimizers.SGD(1e-3))
    model.fit(RAW, batch(2, 2)[1], batch_size=2, verbose=0)
    return model


@pytest.fixture(scope="module")
def preset(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("presets") / "rooms"
    trained.save_to_preset(path, {"class_names": ["a", "b"]}, "# A card\n")
    return path


@pytest.fixture
def copy(preset, tmp_path):
    return shutil.copytree(preset, tmp_path / "copy")


def test_raw_images_give_what_prepared_ones_give(trained):
    plain = Segmenter(trained.network)
    prepared = dict(preprocessor()(RAW))
    assert_same(outputs(plain, prepared), outputs(trained, RAW))
    assert_same(
        outputs(plain.select(["depth"]), {"depth": prepared["depth"]}),
        outputs(trained.select(["depth"]), {"depth": RAW["depth"]}),
    )


def test_a_preset_is_the_model(trained, preset):
    model = Segmenter.from_preset(preset)
    assert_same(outputs(trained, RAW), outputs(model, RAW))
    bare = Segmenter.from_preset(preset, preprocessor=False)
    assert bare.preprocessor is None
    assert_same(outputs(trained, RAW), outputs(bare, dict(preprocessor()(RAW))))


def test_its_files_are_those_of_kerashub(preset):
    names = ["config.json", "metadata.json", "model.weights.h5", "preprocessor.json", "task.json"]
    assert sorted(path.name for path in preset.iterdir()) == ["README.md", *names]
    metadata = check_preset(preset)
    assert metadata["class_names"] == ["a", "b"]
    assert metadata["keras_version"] == keras.version()
    assert set(metadata["sha256"]) == {"README.md", *names} - {"metadata.json"}
    assert (preset / "README.md").read_text() == "# A card\n"


def test_the_model_file_has_the_preprocessor(trained, tmp_path):
    trained.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert_same(outputs(trained, RAW), outputs(again, RAW))


def test_in_a_process_without_the_recipes(trained, preset, tmp_path):
    np.savez(tmp_path / "raw.npz", **RAW)
    program = (
        "import sys, numpy as np\n"
        "sys.modules['recipes'] = None\n"
        "from keras_asym.models import Segmenter\n"
        f"raw = dict(np.load({str(tmp_path / 'raw.npz')!r}))\n"
        f"found = Segmenter.from_preset({str(preset)!r}).predict(raw, verbose=0)\n"
        f"np.savez({str(tmp_path / 'found.npz')!r}, **found)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert_same(outputs(trained, RAW), dict(np.load(tmp_path / "found.npz")))


def test_by_name_in_the_folder_of_a_release(preset, monkeypatch):
    monkeypatch.setenv("KERAS_ASYM_PRESETS", str(preset.parent))
    Segmenter.from_preset("rooms")
    with pytest.raises(ValueError, match=r"\['rooms'\].*Received: preset='room'"):
        Segmenter.from_preset("room")


def test_a_translator_is_its_generator(tmp_path):
    model = tiny_translator(2)
    model.save_to_preset(tmp_path / "made")
    again = Translator.from_preset(tmp_path / "made")
    assert again.discriminator is None
    rng = np.random.default_rng(0)
    x = {"depth": rng.normal(size=(1, 16, 16, 1)), "normal": rng.normal(size=(1, 16, 16, 3))}
    assert_same(outputs(model, x), outputs(again, x))
    assert "Translator.from_preset" in (tmp_path / "made" / "README.md").read_text()
    with pytest.raises(ValueError, match=r"holds a Translator: keras_asym.models.Translator"):
        Segmenter.from_preset(tmp_path / "made")


@pytest.mark.parametrize(
    "name", ["config.json", "task.json", "preprocessor.json", "model.weights.h5"]
)
def test_a_changed_file_is_noticed(copy, name):
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ValueError, match=f"its {name} is not the file"):
        Segmenter.from_preset(copy)


@pytest.mark.parametrize("name", ["preprocessor.json", "model.weights.h5", "metadata.json"])
def test_a_missing_file_is_noticed(copy, name):
    (copy / name).unlink()
    with pytest.raises(ValueError, match=name):
        Segmenter.from_preset(copy)


@pytest.mark.parametrize("content", ["[]", "{", '{"format": 2, "sha256": {}}', '{"format": 1}'])
def test_metadata_that_are_none(copy, content):
    (copy / "metadata.json").write_text(content)
    with pytest.raises(ValueError, match="`preset`"):
        Segmenter.from_preset(copy)


def test_a_stated_file_outside_of_the_folder_is_not_read(copy):
    metadata = json.loads((copy / "metadata.json").read_text())
    metadata["sha256"]["../other"] = "0" * 64
    (copy / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match=r"its \.\./other is not the file"):
        Segmenter.from_preset(copy)


def test_foreign_code_is_not_run(copy):
    """A lambda in a network, whose code Keras would have to run."""
    inputs = keras.Input((4, 4, 3))
    network = keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1)(inputs))
    config = json.dumps(keras.saving.serialize_keras_object(network))
    (copy / "config.json").write_text(config)
    metadata = json.loads((copy / "metadata.json").read_text())
    metadata["sha256"]["config.json"] = hashlib.sha256(config.encode()).hexdigest()
    (copy / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="cannot be made a model"):
        Segmenter.from_preset(copy)


@pytest.mark.parametrize("preset", ["hf://me", "hf://a/b/c", "nowhere"])
def test_names_of_nothing(preset):
    with pytest.raises(ValueError, match="`preset` must be"):
        Segmenter.from_preset(preset)


def test_nothing_of_the_users_is_overwritten(trained, preset, tmp_path):
    with pytest.raises(OSError):
        trained.save_to_preset(preset)
    assert check_preset(preset)
    with pytest.raises(ValueError, match="plain values"):
        trained.save_to_preset(tmp_path / "new", {"of": object()})
    assert not (tmp_path / "new").exists()


def test_a_preprocessor_of_other_channels_or_sensors_is_refused():
    for converters in (
        {"rgb": SensorConverter(3)},
        {"rgb": SensorConverter(1), "depth": SensorConverter(1)},
    ):
        with pytest.raises(ValueError, match="`preprocessor` must make"):
            tiny_segmenter(2, preprocessor=SensorPreprocessor(converters))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a SavedModel")
def test_served_from_raw_images(trained, tmp_path):
    import tensorflow as tf

    from keras_asym.export import export_saved_model

    path = export_saved_model(trained, tmp_path / "served", outputs=("probabilities",))
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    found = serve(**{name: tf.constant(image) for name, image in RAW.items()})["probabilities"]
    expected = keras.ops.softmax(trained(RAW)["ensemble"])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(ValueError, match="`preprocess` must be None"):
        export_saved_model(trained, tmp_path / "served", preprocess=lambda name, image: image)
