"""The distributions are built, installed into an empty folder and used there.

Nothing is downloaded: what keras_asym needs comes from this environment, the package itself from
the wheel. `guard/sitecustomize.py` ends every program that touches the checkout.
"""

import email
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

pytestmark = pytest.mark.wheel

ROOT = Path(__file__).parents[2]
GUARD = Path(__file__).parent / "guard"
PACKAGES = ("keras_asym", "recipes", "tfds_builders")
TINY = (
    "--config.data.data_dir=data",
    "--config.network.backbone_width=4",
    "--config.network.decoder_widths=(4,4,4,4)",
    "--config.augmentation.size=(32,32)",
    "--config.augmentation.shorter_side=32",
    "--config.batch_size=2",
    "--config.eval_batch_size=1",
    "--config.stages=({'epochs':1,'encoder_rate':1e-3,'decoder_rate':1e-3},)",
    "--config.evaluate_every=1",
    "--config.checkpoint_every=1",
    "--config.report_examples=1",
)


def run(*command, **options):
    """Standard output of a program; its whole output is shown where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def git_files(*options):
    listed = run("git", "ls-files", "-z", *options, cwd=ROOT).split("\0")
    return {name for name in listed if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the checkout without what git ignores: an old build or egg-info hides faults."""
    folder = tmp_path_factory.mktemp("source")
    for name in git_files("--cached", "--others", "--exclude-standard"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def distributions(source, tmp_path_factory):
    """Paths of the source distribution and of the wheel, which is built from the former."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", f"--outdir={folder}", source)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def site(distributions, tmp_path_factory):
    """The folder that holds the installed wheel and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index")
    run(*pip, f"--target={folder}", distributions[1])
    return folder


@pytest.fixture
def guarded(site, tmp_path):
    """Options of `subprocess.run` under which only the installed wheel can be used."""
    paths = os.pathsep.join([str(GUARD), str(site)])
    environment = {**os.environ, "PYTHONPATH": paths, "GUARDED_CHECKOUT": str(ROOT)}
    return {"cwd": tmp_path, "env": {**environment, "KERAS_BACKEND": "tensorflow"}}


def test_the_sdist_holds_every_tracked_file(distributions):
    with tarfile.open(distributions[0]) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert not git_files() - held


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(source, distributions):
    with zipfile.ZipFile(distributions[1]) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {
        path.relative_to(source).as_posix()
        for package in PACKAGES
        for path in (source / package).rglob("*")
        if path.is_file()
    }
    assert held == wanted
    assert "keras_asym/py.typed" in held and any(name.endswith(".css") for name in held)


def test_the_metadata_name_licence_papers_and_readme(source, site):
    (path,) = site.glob("*.dist-info/METADATA")
    metadata = email.message_from_string(path.read_text())
    assert metadata["License-Expression"] == "Apache-2.0"
    urls = " ".join(metadata.get_all("Project-URL"))
    assert "arxiv.org/abs/2108.05009" in urls and "arxiv.org/abs/2011.05005" in urls
    assert metadata.get_payload().strip() == (source / "README.md").read_text().strip()


def test_the_guard_ends_a_program_that_uses_the_checkout(guarded):
    for use in ("open({!r})", "__import__('os').listdir({!r})"):
        command = [sys.executable, "-c", use.format(str(ROOT / "setup.cfg"))]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **guarded)
        assert done.returncode == 97 and "setup.cfg" in done.stderr


def test_a_data_set_is_built_by_the_packages_of_the_wheel(guarded, site):
    code = (
        f"import {','.join(PACKAGES)}; print(*(x.__file__ for x in ({','.join(PACKAGES)})));"
        "import tensorflow_datasets as tfds;"
        "module = tfds_builders.rendered_rooms_dataset_builder;"
        "config = module.RenderedRoomsConfig(32, 32, {'train': 2});"
        "builder = tfds.builder('rendered_rooms', config=config, data_dir='data');"
        "builder.download_and_prepare();"
        "print(builder.info.splits['train'].num_examples)"
    )
    lines = run(sys.executable, "-c", code, **guarded).splitlines()
    found = [Path(x) for x in lines[0].split()]
    assert found == [site / package / "__init__.py" for package in PACKAGES]
    assert lines[-1] == "2"


def write_images(folder):
    """Six pairs of a photograph and a depth image, with masks of four classes."""
    for number in range(6):
        rng = np.random.default_rng(number)
        images = {
            "rgb": rng.integers(0, 256, (48, 64, 3)).astype(np.uint8),
            "depth": rng.integers(800, 6000, (48, 64)).astype(np.uint16),
            "mask": np.repeat(np.arange(64)[None] // (16 + number), 48, 0).astype(np.uint8),
        }
        for column, image in images.items():
            path = folder / column / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            PIL.Image.fromarray(image).save(path)


def test_from_a_folder_to_an_answer_by_three_commands(guarded, site, tmp_path):
    command = (sys.executable, site / "bin" / "keras-asym")
    listed = run(*command, "--help", **guarded)
    assert all(f"\n  {name} " in listed for name in ("configure", "validate", "train", "export"))
    write_images(tmp_path / "images")
    said = run(*command, "configure", "images", "--output=found", **guarded)
    assert "5 train, 1 validation" in said
    task = ("segmentation", "--workdir=run")
    run(*command, "train", *task, "--config=found/config.py", *TINY, **guarded)  # two steps
    written = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"best.keras", "last.keras", "results.json", "report.html"} <= written
    report = (tmp_path / "run" / "report.html").read_text()
    assert "<style>" in report and "<script>" in report
    run(*command, "export", *task, "--output=served", **guarded)
    code = (
        "import tensorflow as tf; serve = tf.saved_model.load('served/1').signatures;"
        "found = serve['serving_default'](rgb=tf.zeros((1, 48, 64, 3), tf.uint8),"
        "depth=tf.ones((1, 48, 64, 1), tf.uint16)); print(*found['classes'].shape)"
    )
    assert run(sys.executable, "-c", code, **guarded).split()[:3] == ["1", "48", "64"]
