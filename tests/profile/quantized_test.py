import re

import numpy as np
import pytest

from keras_asym.export import export_saved_model
from keras_asym.fusion import ChannelExchanging
from keras_asym.profile.__main__ import main
from keras_asym.profile.quantized import mean_iou, profile_quantized
from tests.helpers import images
from tests.models.tiny import tiny_segmenter


def arrays(number=6, dtype="float32"):
    return {
        "rgb": images(number, 16, 24, 3).astype(dtype),
        "depth": images(number, 16, 24, 1, seed=1).astype(dtype),
    }


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "best.keras"
    tiny_segmenter(2, ChannelExchanging()).save(path)
    label = np.random.default_rng(0).integers(0, 5, (2, 16, 24, 1))
    label[:, :4] = 255
    checked = {f"check/{name}": x[:2] + 0.01 for name, x in arrays().items()}
    np.savez(
        path.parent / "quantization_images.npz", **arrays(), **checked, **{"check/label": label}
    )
    return path


def test_each_runtime_is_compared(path, capsys):
    pytest.importorskip("ai_edge_litert", reason="pip install 'keras_asym[litert]'")
    pytest.importorskip("tf2onnx", reason="pip install 'keras_asym[onnx]'")
    pytest.importorskip("openvino", reason="pip install 'keras_asym[openvino]'")
    main([f"--model={path}", "--quantize", "--repetitions=2", "--threads=1"])
    table = capsys.readouterr().out
    for title in ("LiteRT", "ONNX Runtime", "OpenVINO"):
        (row,) = re.findall(rf"^{title} .*", table, re.MULTILINE)
        equal, before, after = map(
            float, re.search(r"([\d.]+) % +([\d.]+) -> ([\d.]+)", row).groups()
        )
        assert 90 < equal < 100 and abs(before - after) < 3


def test_a_served_model_of_another_size_without_masks(path, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="pip install 'keras_asym[litert]'")
    model = tiny_segmenter(2, ChannelExchanging())
    dtypes = {"rgb": "uint8", "depth": "uint16"}
    version = export_saved_model(model, tmp_path, dtypes, outputs=("classes",), side_by_side=True)
    raw = {name: (20 * abs(x)).astype(dtypes[name]) for name, x in arrays().items()}
    file = version / "assets.extra" / "quantization_images.npz"
    file.parent.mkdir()
    np.savez(file, **raw)
    found = profile_quantized(version, None, ["litert"], 32, 40, repetitions=2)["litert"]
    assert 0.9 < found["equal"] <= 1 and found["mean_iou"] == {}
    assert {kind: len(x) for kind, x in found["seconds"].items()} == {"f32": 2, "int8": 2}


def test_mean_iou():
    label = np.array([[0, 0, 1, 1, 3, 255]])
    classes = np.array([[0, 1, 1, 1, 0, 2]])
    # Class 0: 1 of 3; class 1: 2 of 3; class 3: 0 of 1; class 2 only where nobody knows.
    assert mean_iou(label, classes) == pytest.approx((1 / 3 + 2 / 3 + 0) / 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--quantization_images=nowhere.npz"], "needs images by.*export the run with --quantize"),
        (["--formats=keras"], "must be among litert, onnx, openvino"),
    ],
)
def test_what_is_missing(path, options, message):
    with pytest.raises(SystemExit, match=message):
        main([f"--model={path}", "--quantize", *options])


def test_images_that_do_not_fit(path, tmp_path):
    np.savez(tmp_path / "raw.npz", **arrays(dtype="uint8"))
    options = ["--quantize", "--formats=litert", f"--quantization_images={tmp_path / 'raw.npz'}"]
    with pytest.raises(SystemExit, match="as float32 of the shape"):
        main([f"--model={path}", *options])
