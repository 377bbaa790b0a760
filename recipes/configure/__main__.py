"""Looks at a folder of images and writes a config for it.

    keras-asym configure FOLDER --output=DIR
    keras-asym train segmentation --config=DIR/config.py --workdir=RUN
    keras-asym export segmentation --workdir=RUN --output=SERVED

Finds the sensors (by folders, names, list files, pages or bands of TIFFs, volumes in NIfTI), which
files belong together, what each sensor's values mean, the classes and the splits, and says what it
is not sure of. `DIR` then holds `config.py`, the list files and `contact_sheet.png`. The exit
status is 1 if something is wrong with the data.
"""

import argparse
import pathlib
import sys

from recipes.configure.look import look
from recipes.configure.write import write

_WIDTH = 96


def main(argv=None):
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="keras-asym configure", description=__doc__.partition("\n")[0], allow_abbrev=False
    )
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--output", help="where to write; FOLDER's name with -config by default")
    parser.add_argument("--examples", type=int, default=400, help="of which to look at most at")
    parser.add_argument("--units", type=float, help="values to a metre in the depth images")
    arguments = parser.parse_args(argv)
    folder = pathlib.Path(arguments.folder).expanduser()
    output = arguments.output or f"{folder.resolve().name}-config"
    output = pathlib.Path(output).expanduser()
    try:
        seen = look(folder, arguments.examples, arguments.units)
        print(seen.text())
        task = write(seen, output)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    run = f"runs/{output.name.removesuffix('-config')}"
    print(
        f"\nWritten: {output / 'config.py'}, its lists, {output / 'contact_sheet.png'}. Next:\n"
        f"  keras-asym train {task} --config={output / 'config.py'} --workdir={run}\n"
        f"  keras-asym export {task} --workdir={run} --output={run}/served"
    )
    return int(any(finding.is_error for finding in seen.findings))


if __name__ == "__main__":
    sys.exit(main())
