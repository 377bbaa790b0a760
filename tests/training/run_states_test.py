import contextlib
import os
import resource
import signal

import numpy as np
import pytest

from keras_asym.training import RunStates


def position(step, epochs=0):
    return {"step": step, "epochs": epochs}


def arrays(value):
    return {"a/0": np.full((2, 3), value, "float32"), "b/0": np.int64(value)}


@contextlib.contextmanager
def small_files(size):
    """A limit on the size of files fails a write half-way, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_round_trip(tmp_path):
    states = RunStates(tmp_path / "states")
    assert states.load() is None
    states.save(arrays(3), {**position(7, 1), "logs": {"loss": 0.1}})
    found, where = states.load()
    assert where == {"step": 7, "epochs": 1, "logs": {"loss": 0.1}}
    np.testing.assert_array_equal(found["a/0"], arrays(3)["a/0"])
    assert found["a/0"].dtype == "float32" and found["b/0"].dtype == "int64"


def test_the_last_two_are_kept(tmp_path):
    states = RunStates(tmp_path)
    for step in (1, 2, 10):
        states.save(arrays(step), position(step))
    states.save(arrays(11), position(10, epochs=1))  # the epoch is finished
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"000000010-00000{e}.{end}" for e in (0, 1) for end in ("json", "npz")]
    assert states.load()[0]["b/0"] == 11


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "manifest"])
def test_a_damaged_one_is_passed_over(tmp_path, damage):
    states = RunStates(tmp_path)
    for step in (1, 2):
        states.save(arrays(step), position(step))
    path = tmp_path / "000000002-000000.npz"
    content = path.read_bytes()
    if damage == "flip":
        path.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    elif damage == "truncate":
        path.write_bytes(content[:-1])
    elif damage == "remove":
        path.unlink()
    else:
        path.with_suffix(".json").write_text("{")
    with pytest.warns(UserWarning, match=r"000000002-000000.npz is damaged"):
        found, where = states.load()
    assert where["step"] == 1 and found["b/0"] == 1
    # Training goes on: the damaged one is written anew, or gives way to an earlier one.
    states.save(arrays(5), position(2))
    assert states.load()[0]["b/0"] == 5
    assert len(list(tmp_path.iterdir())) == 4


def test_what_a_killed_process_has_left_behind_is_removed(tmp_path):
    states = RunStates(tmp_path)
    states.save(arrays(1), position(1))
    (tmp_path / "000000002-000000.npz").write_bytes(b"half")  # without a manifest: does not count
    (tmp_path / ".000000003-000000.npz.writing").write_bytes(b"half")
    assert states.load()[1]["step"] == 1
    states.save(arrays(4), position(4))
    assert {path.stem for path in tmp_path.iterdir()} == {"000000001-000000", "000000004-000000"}


def test_files_of_others_stay(tmp_path):
    others = ["notes.txt", "2024.json", "x-000000001-000000.npz", "000000001-000000.npz.old", ".a"]
    for name in others:
        (tmp_path / name).write_text("mine")
    (tmp_path / "folder").mkdir()
    states = RunStates(tmp_path)
    assert states.load() is None
    for step in (1, 2, 3):
        states.save(arrays(step), position(step))
    found = {path.name for path in tmp_path.iterdir()}
    own = {f"00000000{step}-000000.{end}" for step in (2, 3) for end in ("json", "npz")}
    assert found == {*others, "folder", *own}
    assert all((tmp_path / name).read_text() == "mine" for name in others)


def test_steps_of_more_digits_are_later(tmp_path):
    states = RunStates(tmp_path)
    for step in (999_999_998, 999_999_999, 1_000_000_000):
        states.save(arrays(step), position(step))
    assert states.load()[1]["step"] == 1_000_000_000
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", r"holds \[\], and must hold a dictionary"),
        ("null", "holds None"),
        ("3", "holds 3"),
        ('"text"', "holds text"),
        ("{}", "no 'step' of the kind int"),
        ('{"step": "2", "epochs": 0, "sha256": ""}', "no 'step' of the kind int"),
        ('{"step": 2, "epochs": null, "sha256": ""}', "no 'epochs' of the kind int"),
        ('{"step": 2, "epochs": 0, "sha256": []}', "no 'sha256' of the kind str"),
        ('{"step": 3, "epochs": 0, "sha256": ""}', "is of step 3, epoch 0"),
        ('{"step": 2, "epochs": 0, "sha256": ""}', "checksum"),
    ],
)
def test_a_manifest_of_another_kind_is_passed_over(content, message, tmp_path):
    states = RunStates(tmp_path)
    for step in (1, 2):
        states.save(arrays(step), position(step))
    (tmp_path / "000000002-000000.json").write_text(content)
    with pytest.warns(UserWarning, match=rf"000000002-000000\.npz is damaged \(.*{message}"):
        assert states.load()[1]["step"] == 1


def test_a_full_disk_leaves_the_last_good_one(tmp_path):
    RunStates(tmp_path).save(arrays(1), position(1))
    message = "The state of step 2 could not be written.*000000001-000000.npz is the last good"
    with small_files(65536), pytest.raises(RuntimeError, match=message):
        RunStates(tmp_path).save({"a": np.zeros(100000)}, position(2))
    assert len(list(tmp_path.iterdir())) == 2
    assert RunStates(tmp_path).load()[1]["step"] == 1


def test_a_folder_that_cannot_be_written(tmp_path):
    folder = tmp_path / "states"
    if os.geteuid() == 0:
        folder.write_text("")  # nothing is read-only for root
    else:
        tmp_path.chmod(0o555)
    with pytest.raises(RuntimeError, match=r"step 2 could not be written.*there is none\."):
        RunStates(folder).save(arrays(2), position(2))
