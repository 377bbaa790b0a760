"""The command `keras-asym`: every program by its name.

    keras-asym configure FOLDER
    keras-asym train segmentation --config=CONFIG --workdir=RUN

The second is `python -m recipes.segmentation.train`.

Nothing is loaded before a program is chosen, so that `keras-asym --help` answers at once. The exit
status is that of the program; 2 where the command line names none.
"""

import ast
import difflib
import pathlib
import runpy
import sys

_HERE = pathlib.Path(__file__).parent
_ALONE = {
    "configure": "recipes.configure",
    "validate": "tfds_builders.validate.__main__",
    "profile": "keras_asym.profile.__main__",
}
"""Programs that are of no task."""


def tasks():
    """Names of the tasks."""
    return sorted(path.parent.name for path in _HERE.glob("*/task.py"))


def programs():
    """`{program: {task or "": module}}` of all that can be run."""
    found = {name: {"": module} for name, module in _ALONE.items()}
    for task in tasks():
        for path in sorted((_HERE / task).glob("*.py")):
            if 'if __name__ == "__main__":' in path.read_text():
                found.setdefault(path.stem, {})[task] = f"recipes.{task}.{path.stem}"
    return found


def summary(module):
    """First line of a module's docstring, or of the module that this says to see."""
    path = _HERE.parent.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    line = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
    if line.startswith("See `") and line.endswith("`."):
        return summary(line[5:-2])
    return line


def help_text():
    """What `keras-asym --help` prints."""
    known = programs()
    width = max(map(len, known)) + 2
    lines = [
        "usage: keras-asym PROGRAM TASK [arguments]",
        "       keras-asym PROGRAM [arguments]        of a program without a task",
        "",
        "programs:",
    ]
    for name, of_task in known.items():
        lines.append(f"  {name:{width}}{summary(next(iter(of_task.values())))}")
        if "" not in of_task:
            lines.append(f"  {'':{width}}TASK: {', '.join(of_task)}")
    lines += ["", "keras-asym PROGRAM TASK --help lists the arguments of a program."]
    return "\n".join(lines)


def _fail(message):
    print(f"error: {message}", file=sys.stderr)
    return 2


def _nearest(name, known):
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean `{found[0]}`?" if found else ""


def main(argv=None):
    """Runs the command; returns its exit status."""
    given = list(sys.argv[1:] if argv is None else argv)
    if not given or given[0] in ("-h", "--help", "help"):
        print(help_text())
        return 0
    known = programs()
    name, *arguments = given
    if name in tasks() and arguments and name in known.get(arguments[0], {}):
        return _fail(f"write the program first: keras-asym {arguments[0]} {name} ...")
    if name not in known:
        return _fail(
            f"`{name}` is no program: {', '.join(known)}.{_nearest(name, known)} "
            "keras-asym --help says what each does."
        )
    of_task = known[name]
    if "" in of_task:
        return _run(of_task[""], f"keras-asym {name}", arguments)
    if not arguments or arguments[0].startswith("-"):
        if arguments and arguments[0] in ("-h", "--help"):
            module = next(iter(of_task.values()))
            print(f"usage: keras-asym {name} {{{','.join(of_task)}}} ...\n\n{summary(module)}")
            return 0
        return _fail(f"`{name}` needs a task: keras-asym {name} {'|'.join(of_task)} ...")
    task, *arguments = arguments
    if task not in of_task:
        return _fail(
            f"`{task}` is no task of `{name}`: {', '.join(of_task)}.{_nearest(task, of_task)}"
        )
    return _run(of_task[task], f"keras-asym {name} {task}", arguments)


def _run(module, command, arguments):
    """Runs a module as `python -m` does, and gives its exit status."""
    before = sys.argv
    for name in (module, f"{module}.__main__"):
        if not hasattr(sys.modules.get(name), "__path__"):
            sys.modules.pop(name, None)  # of a module that was imported before, runpy warns
    sys.argv = [command, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=False)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("ml_collections", "matplotlib", "cv2"):
            return _fail(f"{error}: pip install 'keras_asym[recipes]'")
        raise
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    finally:
        sys.argv = before
    return 0


if __name__ == "__main__":
    sys.exit(main())
