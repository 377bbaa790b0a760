"""The import table of the project: who may know whom. CONTRIBUTING.md explains it."""

import ast
import graphlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = {"ops", "layers", "regularizers", "fusion", "networks", "models", "losses", "metrics"}

# What every room may use, and what knows nothing but Python's own library.
SHARED = ("files", "optional")

# ops <- layers <- fusion <- models <- training, export <- profile; recipes
ALLOWED = {
    "ops": set(),
    "regularizers": {"ops"},
    "layers": {"ops", "regularizers"},
    "networks": {"ops", "layers"},
    "fusion": {"ops", "layers", "regularizers"},
    "losses": {"ops"},
    "metrics": {"ops"},
    "models": {"ops", "layers", "regularizers", "fusion", "losses", "metrics"},
    "weights": CORE,
    "training": {*CORE, "weights"},
    "export": {*CORE, "weights"},
    "profile": {*CORE, "weights", "export"},
}


def imports(path, at_module_level=False):
    """Dotted names that a file imports: `from a.b import c` gives both a.b and a.b.c."""
    tree = ast.parse(path.read_text())
    found = set()

    def visit(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert not child.level, f"{path}: imports are written in full"
                found.add(child.module)
                found.update(f"{child.module}.{alias.name}" for alias in child.names)
            inside = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
            if not (at_module_level and isinstance(child, inside)):
                visit(child)

    visit(tree)
    return found


def files(folder):
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


def room(path):
    """The part of keras_asym that a file belongs to; the package's own __init__ has none."""
    parts = path.relative_to(ROOT / "keras_asym").with_suffix("").parts
    return None if parts == ("__init__",) else parts[0]


def roots(names):
    return {name.split(".")[0] for name in names}


def test_every_room_is_in_the_table():
    assert {room(path) for path in files("keras_asym")} - {None} == {*SHARED, *ALLOWED}


@pytest.mark.parametrize("name", SHARED)
def test_what_all_rooms_use_imports_nothing(name):
    for path in files("keras_asym"):
        if room(path) == name:
            assert roots(imports(path)) <= set(sys.stdlib_module_names), path


@pytest.mark.parametrize("name", ALLOWED)
def test_rooms_import_what_stands_before_them(name):
    for path in files("keras_asym"):
        if room(path) != name:
            continue
        for module in imports(path):
            assert module != "keras_asym", f"{path}: imports the whole package"
            if module.startswith("keras_asym."):
                assert module.split(".")[1] in {name, *SHARED, *ALLOWED[name]}, f"{path}: {module}"


def test_the_package_knows_neither_recipes_nor_tests():
    for path in files("keras_asym"):
        assert not roots(imports(path)) & {"recipes", "tfds_builders", "tests"}, path


@pytest.mark.parametrize("folder", ["examples", "keras_asym", "tfds_builders"])
def test_recipes_are_imported_by_nothing_but_benchmarks(folder):
    for path in files(folder):
        assert "recipes" not in roots(imports(path)), path


@pytest.mark.parametrize("folder", ["keras_asym", "recipes", "tfds_builders"])
def test_no_file_imports_itself_in_a_roundabout_way(folder):
    """Also not hidden in functions: two files that need one another are one, or three."""
    modules = {module_name(path): path for path in files(folder)}
    graph = {name: imported_modules(path, modules) for name, path in modules.items()}
    assert any(graph.values())
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail("import circle: " + " <- ".join(error.args[1]))


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path, modules):
    """The modules that a file names; a package only if a name of its own `__init__` is taken."""
    named = imports(path)
    opened = {name.rpartition(".")[0] for name in named if name not in modules}
    return {
        name
        for name in named & modules.keys()
        if modules[name].name != "__init__.py" or name in opened
    }


def test_builders_of_data_sets_need_no_keras():
    for path in files("tfds_builders"):
        assert not roots(imports(path)) & {"keras", "keras_asym", "recipes", "tests"}, path


@pytest.mark.parametrize("name", sorted({*CORE, "weights"}))
def test_the_core_imports_without_tensorflow(name):
    for path in files("keras_asym"):
        if room(path) != name:
            continue
        assert "tensorflow" not in roots(imports(path, at_module_level=True)), path
        if name in {"ops", "regularizers", "layers", "networks", "fusion"}:
            used = roots(imports(path)) - set(sys.stdlib_module_names)
            assert used <= {"keras", "keras_asym", "numpy"}, path


def test_tensorflow_is_not_loaded_on_jax():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    script = (
        "import sys, keras; before = 'tensorflow' in sys.modules; import keras_asym; "
        "print(before, 'tensorflow' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    before, after = result.stdout.split()
    assert after == before
