import re
import sys

import keras
import numpy as np
import pytest

from keras_asym.fusion import ChannelExchanging
from keras_asym.profile import report
from keras_asym.profile.__main__ import main
from tests.models.tiny import tiny_segmenter
from tests.models.tiny_translator import batch, tiny_translator

SIZE = ["--height=16", "--width=24", "--repetitions=2"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "best.keras"
    tiny_segmenter(2, ChannelExchanging()).save(path)
    return path


def test_every_format_is_measured(path, capsys):
    pytest.importorskip("tf2onnx", reason="pip install 'keras_asym[onnx]'")
    pytest.importorskip("onnxruntime", reason="pip install 'keras_asym[onnx]'")
    pytest.importorskip("ai_edge_litert", reason="pip install 'keras_asym[litert]'")
    main([f"--model={path}", *SIZE, "--batch=2,1", "--formats=keras,saved_model,onnx,litert"])
    table = capsys.readouterr().out
    assert "Segmenter 'tiny' of rgb (3), depth (1); images 16x24" in table
    assert "parameters       967; of these private to each modality 64" in table
    for title in ("Keras, compiled", "SavedModel", "ONNX Runtime", "LiteRT"):
        rows = re.findall(rf"^{title} +(\d) .* (\d+) MiB$", table, re.MULTILINE)
        assert [row[0] for row in rows] == ["1", "2"]


def test_memory_is_that_of_one_format(path):
    pytest.importorskip("tf2onnx", reason="pip install 'keras_asym[onnx]'")
    pytest.importorskip("onnxruntime", reason="pip install 'keras_asym[onnx]'")
    (result,) = report.profile(path, 16, 24, ["onnx"], [1], 3)["onnx"]
    assert len(result["seconds"]) == 3
    # This process holds TensorFlow, the measured one only ONNX Runtime.
    assert 10e6 < result["peak_memory"] < 0.5 * report.runtimes.peak_memory()


def test_a_translator_is_profiled_without_dropout(tmp_path):
    model = tiny_translator(2, dropout=0.5, dropout_at_test=True)
    model.save(tmp_path / "best.keras")
    assert not report.load(tmp_path / "best.keras").dropout_at_test
    run = report.runtimes.open_keras(tmp_path / "best.keras")
    images, _ = batch(2, 1)
    model.dropout_at_test = False
    np.testing.assert_allclose(run(images)["ensemble"], model(images)["ensemble"], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model=nowhere.keras"], "must be a .keras file; there is none.*nowhere.keras"),
        (["--formats=keras,caffe"], "must be among keras, saved_model, onnx.*caffe"),
    ],
)
def test_wrong_options(path, options, message):
    with pytest.raises(SystemExit, match=message):
        main([f"--model={path}", *SIZE, *options])


@pytest.mark.parametrize("option", ["--batch=one", "--batch=0", "--height=0"])
def test_wrong_numbers(path, option, capsys):
    with pytest.raises(SystemExit):
        main([f"--model={path}", *SIZE, option])
    assert option.split("=")[0] + " must be" in capsys.readouterr().err


def test_another_model(tmp_path):
    inputs = keras.Input((4,))
    keras.Model(inputs, keras.layers.Dense(2)(inputs)).save(tmp_path / "dense.keras")
    with pytest.raises(SystemExit, match=r"must hold a Segmenter or a Translator.*Functional"):
        main([f"--model={tmp_path / 'dense.keras'}", *SIZE])


def test_a_size_that_does_not_fit_the_generator(tmp_path):
    tiny_translator(2).save(tmp_path / "best.keras")
    with pytest.raises(SystemExit, match="multiples of the generator's stride"):
        main([f"--model={tmp_path / 'best.keras'}", "--height=15", "--width=24"])


def test_a_missing_package_names_the_extra(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(SystemExit, match=r"'tf2onnx', which is not.*keras_asym\[onnx\]"):
        main([f"--model={path}", *SIZE])


def test_the_error_of_a_format_is_told(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    run = [{"batch": 1, "path": str(tmp_path / "model.onnx")}]
    with pytest.raises(RuntimeError, match=r"ONNX Runtime did not run the model(.|\n)*INVALID"):
        report.measure("onnx", run, {"rgb": (16, 24, 3)}, {"rgb": "float32"}, 1, None)
