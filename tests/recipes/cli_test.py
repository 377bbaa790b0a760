import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from recipes import cli

ROOT = Path(__file__).parents[2]


def run(*arguments):
    command = [sys.executable, "-m", "recipes", *arguments]
    environment = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_help_lists_every_program_and_loads_none():
    done = run("--help")
    assert done.returncode == 0
    for name in ("train", "evaluate", "predict", "export", "compare", "configure", "validate"):
        line = next(x for x in done.stdout.splitlines() if x.startswith(f"  {name} "))
        assert len(line.split()) > 3
    assert "TASK: image_translation, segmentation" in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "recipes.cli" in loaded
    assert not {"tensorflow", "keras", "numpy", "tensorflow_datasets"} & loaded


def test_programs_are_the_modules_that_can_be_run():
    known = cli.programs()
    assert known["train"]["segmentation"] == "recipes.segmentation.train"
    assert known["configure"] == {"": "recipes.configure"}
    assert "task" not in known and "examples" not in known
    for of_task in known.values():
        for module in of_task.values():
            assert len(cli.summary(module)) > 10
            assert not cli.summary(module).startswith("See ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], r"`trian` is no program.*Did you mean `train`\?"),
        (["train"], r"`train` needs a task: keras-asym train image_translation\|segmentation"),
        (["train", "--config=x"], "`train` needs a task"),
        (["train", "segmentatoin"], r"is no task of `train`.*Did you mean `segmentation`\?"),
        (["segmentation", "train"], "write the program first: keras-asym train segmentation"),
    ],
)
def test_what_is_no_program_ends_with_2_and_a_suggestion(arguments, message, capsys):
    assert cli.main(arguments) == 2
    assert re.search(message, capsys.readouterr().err)


def test_exit_statuses_are_those_of_the_programs(capsys, tmp_path):
    assert cli.main([]) == 0
    assert cli.main(["train", "--help"]) == 0
    assert "image_translation,segmentation" in capsys.readouterr().out
    assert cli.main(["configure", str(tmp_path / "nowhere")]) == 1
    assert "`root` must be a folder" in capsys.readouterr().err
    assert cli.main(["configure"]) == 2  # argparse's own


def test_the_wheel_has_the_command():
    text = (ROOT / "setup.cfg").read_text()
    assert "keras-asym = recipes.cli:main" in text
