"""The commands that the builders' READMEs give, run as they stand there."""

import pathlib
import shlex
import subprocess
import sys

import pytest
import tensorflow_datasets as tfds

from tests.tfds_builders.nyudv2_rgbd import official_files as nyudv2
from tests.tfds_builders.sunrgbd_rgbd import official_archives as sunrgbd

ROOT = pathlib.Path(__file__).parents[2]


def run_command(name, folder, data_dir):
    """Runs the README's `tfds build`, from a folder outside of the project."""
    lines = (ROOT / "tfds_builders" / name / "README.md").read_text().split("\n")
    (command,) = [line.strip() for line in lines if line.startswith("    tfds build ")]
    program, *arguments = shlex.split(command.replace("FOLDER", str(folder)))
    return subprocess.run(
        [pathlib.Path(sys.executable).parent / program, *arguments, f"--data_dir={data_dir}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )


def write_nyudv2(folder):
    nyudv2.write_official(folder, nyudv2.make_frames())


def write_sunrgbd(folder, without=None):
    frames = sunrgbd.make_frames()
    members = sunrgbd.image_members(frames)
    members.pop(without, None)
    sunrgbd.write_zip(folder / "SUNRGBD.zip", members)
    sunrgbd.write_zip(folder / "SUNRGBDtoolbox.zip", sunrgbd.toolbox_members(frames))


@pytest.mark.parametrize(
    ("name", "write", "numbers"),
    [
        ("nyudv2_rgbd", write_nyudv2, {"train": 2, "test": 1}),
        pytest.param(
            "sunrgbd_rgbd", write_sunrgbd, {"train": 3, "test": 2}, marks=pytest.mark.slow
        ),
    ],
)
def test_builds(tmp_path, name, write, numbers):
    (tmp_path / "downloads").mkdir()
    write(tmp_path / "downloads")
    result = run_command(name, tmp_path / "downloads", tmp_path / "data")
    assert result.returncode == 0, result.stderr
    builder = tfds.builder(name, data_dir=tmp_path / "data")
    assert {s: i.num_examples for s, i in builder.info.splits.items()} == numbers


@pytest.mark.slow
def test_broken_archive(tmp_path):
    member = f"{sunrgbd.make_frames()[1].folder}/depth_bfx/000002_2014-05-26.png"
    (tmp_path / "downloads").mkdir()
    write_sunrgbd(tmp_path / "downloads", without=member)
    result = run_command("sunrgbd_rgbd", tmp_path / "downloads", tmp_path / "data")
    assert result.returncode == 1
    assert f"SUNRGBD.zip, member {member}: there is no such member." in result.stderr
    assert not list((tmp_path / "data/sunrgbd_rgbd/inpainted").iterdir())
