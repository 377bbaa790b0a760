import importlib.util
import pathlib
import re
import sys

import numpy as np
import PIL.Image
import pytest

pytest.importorskip("tensorflow_serving")

FOLDER = pathlib.Path(__file__).parents[3] / "examples/serving"
specification = importlib.util.spec_from_file_location("serving_client", FOLDER / "client.py")
client = importlib.util.module_from_spec(specification)
specification.loader.exec_module(client)

CLASSES = np.arange(12, dtype=np.int64).reshape(1, 3, 4)


@pytest.mark.parametrize(
    "name", ["../../evil", "/tmp/evil", "a/b", "..", ".bashrc", "a\\b", "", "a\0b", "a" * 200]
)
def test_names_of_outputs_do_not_leave_the_folder(tmp_path, name):
    outputs = {"classes": CLASSES, name: CLASSES}
    with pytest.raises(ValueError, match=r"names of outputs must be .* Received from the server"):
        client.write_outputs(outputs, tmp_path / "a/answer")
    assert not list(tmp_path.rglob("*"))


def test_outputs_are_written(tmp_path, capsys):
    image = np.arange(36, dtype=np.uint8).reshape(1, 3, 4, 3)
    outputs = {"classes": CLASSES, "image": image, "grey.8-bit": image[..., :1]}
    client.write_outputs(outputs, tmp_path / "answer")
    np.testing.assert_array_equal(np.load(tmp_path / "answer/classes.npy"), CLASSES)
    for name, expected in (("image", image[0]), ("grey.8-bit", image[0, ..., 0])):
        written = np.array(PIL.Image.open(tmp_path / f"answer/{name}.png"))
        np.testing.assert_array_equal(written, expected)
    assert "classes: int64 (1, 3, 4)" in capsys.readouterr().out


@pytest.fixture
def sent(monkeypatch):
    """What the client sends, by signature; no server is asked."""
    sent = {}

    def predict(address, model, signature, inputs):
        sent[signature] = inputs
        return {"classes": CLASSES}

    monkeypatch.setattr(client, "predict_grpc", predict)
    monkeypatch.setattr(client, "check_dtypes", lambda *arguments: None)
    return sent


def run(monkeypatch, tmp_path, *arguments):
    output = f"--output={tmp_path / 'answer'}"
    monkeypatch.setattr(sys, "argv", ["client.py", "--model=rooms", output, *arguments])
    client.main()


def test_a_turned_picture_is_refused_or_turned_here(tmp_path, monkeypatch, sent):
    picture = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "view.png"
    PIL.Image.fromarray(picture).save(path, exif=exif)
    with pytest.raises(SystemExit, match=r"view\.png must be upright .*orientation 6\. Pass --raw"):
        run(monkeypatch, tmp_path, f"rgb={path}")
    assert not sent
    run(monkeypatch, tmp_path, "--raw", f"rgb={path}")
    np.testing.assert_array_equal(sent["serving_default"]["rgb"][0], np.rot90(picture, -1))
    PIL.Image.fromarray(picture).save(path)
    run(monkeypatch, tmp_path, f"rgb={path}")
    assert sent["serving_encoded"] == {"rgb": [path.read_bytes()]}


def test_raw_files_keep_their_type(tmp_path, monkeypatch, sent):
    depth = np.linspace(0, 3, 12, dtype=np.float32).reshape(3, 4)
    PIL.Image.fromarray(depth).save(tmp_path / "depth.tiff")
    run(monkeypatch, tmp_path, "--raw", f"depth={tmp_path / 'depth.tiff'}")
    received = sent["serving_default"]["depth"]
    assert received.dtype == np.float32
    np.testing.assert_array_equal(received[0, ..., 0], depth)


@pytest.mark.parametrize("argument", ["rgb", "rgb=none.png"])
def test_bad_arguments(tmp_path, monkeypatch, sent, argument):
    for options in ([], ["--raw"]):
        with pytest.raises(SystemExit, match=r"^error: "):
            run(monkeypatch, tmp_path, *options, argument)
    assert not sent


def test_the_readme_publishes_on_this_machine_only():
    ports = re.findall(r"-p (\S+)", (FOLDER / "README.md").read_text())
    assert len(ports) >= 2
    published = [port for port in ports if not port.startswith("127.0.0.1:")]
    assert published == ["8500:8500`"]  # the warning not to
