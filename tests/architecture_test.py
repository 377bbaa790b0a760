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

# What every room may use, and what each of these imports beside Python's own library.
SHARED = {
    "files": set(),
    "optional": set(),
    "keras_internals": {"keras"},
    "strides": {"keras", "keras_asym"},  # of which it knows keras_internals
}

# The rooms that use Keras alone, and what in them asks a backend that Keras cannot ask.
KERAS_ALONE = {"ops", "regularizers", "layers", "networks", "fusion"}
OF_A_BACKEND = {
    "keras_asym/ops/replicas.py",  # sums over the replicas of tf.distribute
    "keras_asym/fusion/proof.py",  # is a graph being traced?
}

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
    "testing": {*CORE, "export"},
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
def test_what_all_rooms_use_imports_no_room(name):
    for path in files("keras_asym"):
        if room(path) == name:
            assert roots(imports(path)) <= {*sys.stdlib_module_names, *SHARED[name]}, path


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
        if name in KERAS_ALONE and path.relative_to(ROOT).as_posix() not in OF_A_BACKEND:
            used = roots(imports(path)) - set(sys.stdlib_module_names)
            assert used <= {"keras", "keras_asym", "numpy"}, path


def test_private_names_of_keras_stand_in_one_file():
    known = set().union(*(own_names(path.read_text()) for path in files("keras_asym")))
    known |= {"_get_function"}  # of TensorFlow's graphs
    for path in files("keras_asym"):
        if room(path) != "keras_internals":
            assert not set(foreign_private_names(path.read_text())) - known, path


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("layer._flatten_layers()", ["_flatten_layers"]),
        ("self._flatten_layers()", ["_flatten_layers"]),
        ("from keras.src import layers", ["keras.src"]),
        ("getattr(layer, '_auto_config', None)", ["_auto_config"]),
        ("self._mine = layer._losses", ["_losses"]),
        ("self._mine = 1; cls._mine; self.__dict__", []),
    ],
)
def test_private_names_are_found(line, found):
    assert foreign_private_names(line) == found


def own_names(text):
    """Names that a file's text gives to functions, classes and attributes."""
    nodes = list(ast.walk(ast.parse(text)))
    own = {x.name for x in nodes if isinstance(x, ast.FunctionDef | ast.ClassDef)}
    return own | {
        x.attr for x in nodes if isinstance(x, ast.Attribute) and isinstance(x.ctx, ast.Store)
    }


def foreign_private_names(text):
    """Private attributes in a file's text that neither it nor its base classes here define."""
    nodes = list(ast.walk(ast.parse(text)))
    own = own_names(text)
    used = [x.attr for x in nodes if isinstance(x, ast.Attribute)]
    used += [
        x.args[1].value
        for x in nodes
        if isinstance(x, ast.Call)
        and getattr(x.func, "id", None) in ("getattr", "hasattr", "setattr")
        and isinstance(x.args[1], ast.Constant)
    ]
    own.add("_fields")  # of named tuples
    found = [x for x in used if x.startswith("_") and not x.startswith("__") and x not in own]
    modules = {x.module for x in nodes if isinstance(x, ast.ImportFrom)}
    modules |= {a.name for x in nodes if isinstance(x, ast.Import) for a in x.names}
    return found + sorted(x for x in modules if x.startswith(("keras.src", "keras_hub.src")))


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
