import subprocess
import sys

import h5py
import numpy as np
import pytest
import scipy.io

from tests.tfds_builders.nyudv2_rgbd import official_files
from tfds_builders.nyudv2_rgbd.config import NYUDv2Config
from tfds_builders.nyudv2_rgbd.mat_source import MatSource


def test_frames_are_read_when_they_are_asked_for(tmp_path):
    frames = official_files.make_frames()
    frames[0]["label"][3, 4] = 895
    official_files.write_official(tmp_path, frames)
    source = MatSource(tmp_path, NYUDv2Config(), units_per_metre=1000)
    splits = source.splits()
    assert splits == {"train": [2, 0], "test": [1]}
    examples = source.examples(splits["train"])
    key, example = next(examples)
    assert (key, example["id"]) == (2, "000003")
    metres = frames[2]["depth"][6:474, 7:632, None].astype(np.float64)
    np.testing.assert_array_equal(example["depth"], np.rint(metres * 1000))
    with pytest.raises(ValueError, match="variable labels, frame 1: labels must be in"):
        next(examples)


PEAK = """
import sys, pathlib, tensorflow_datasets as tfds, tfds_builders
builder = tfds.builder("nyudv2_rgbd/40_classes_full_frame", data_dir=sys.argv[1] + "/data")
builder.download_and_prepare(
    download_config=tfds.download.DownloadConfig(manual_dir=sys.argv[1])
)
status = pathlib.Path("/proc/self/status").read_text()
print("peak", status.split("VmHWM:")[1].split()[0])
"""


def write_noise(folder, number):
    """Frames that no PNG makes smaller."""
    official_files.write_official(folder, official_files.make_frames())
    rng = np.random.default_rng(0)
    with h5py.File(folder / "nyu_depth_v2_labeled.mat", "w") as file:
        file.create_dataset("images", (number, 3, 640, 480), np.uint8)
        file.create_dataset("depths", (number, 640, 480), np.float32)
        file.create_dataset("labels", (number, 640, 480), np.uint16)
        for index in range(number):
            file["images"][index] = rng.integers(0, 256, (3, 640, 480), np.uint8)
            file["depths"][index] = rng.random((640, 480), np.float32) * 9 + 0.5
            file["labels"][index] = rng.integers(0, 895, (640, 480), np.uint16)
    numbers = np.arange(1, number + 1, dtype=np.uint16)
    scipy.io.savemat(
        folder / "splits.mat", {"trainNdxs": numbers[1:, None], "testNdxs": numbers[:1, None]}
    )


@pytest.mark.slow
def test_memory_does_not_grow_with_the_archive(tmp_path):
    peaks = []
    for number in (60, 240):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_noise(folder, number)
        command = [sys.executable, "-c", PEAK, str(folder)]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        peaks.append(int(output.split("peak")[1]) / 1024)
    # Kept in memory, 180 frames more would be 300 MiB.
    assert peaks[1] < peaks[0] + 100
    assert peaks[1] < 1500
