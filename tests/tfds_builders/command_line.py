"""Runs `tfds build` as a user does, several times in one process: loading it takes seconds."""

import json
import subprocess
import sys

_SCRIPT = """
import json, os, sys, traceback
from tensorflow_datasets.scripts.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["tfds", "build", *arguments]
    try:
        main.launch_cli()
        status = 0
    except SystemExit as error:
        status = error.code or 0
    except BaseException:
        traceback.print_exc()
        status = 1
    print("exit status", status, file=sys.stderr, flush=True)
"""


def tfds_build(*commands):
    """Runs `tfds build` with each list of arguments.

    Returns:
        A list with a pair for each: exit status, and what it wrote to stderr.
    """
    arguments = json.dumps([[str(argument) for argument in command] for command in commands])
    result = subprocess.run(
        [sys.executable, "-c", _SCRIPT, arguments], stderr=subprocess.PIPE, text=True, check=True
    )
    *parts, _ = result.stderr.split("exit status ")
    statuses = [int(part.split("\n")[0]) for part in result.stderr.split("exit status ")[1:]]
    return list(zip(statuses, parts, strict=True))
