import gc
import os
import sys

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Networks prove themselves in the tests of the proof alone, which ask for it.
os.environ.setdefault("KERAS_ASYM_CHECK", "0")
# JAX compiles a quarter faster without passes that only make large models run faster; also in the
# programs that tests start.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

# What takes longest starts first (`--no-loadscope-reorder`), so that no process is left alone with
# it in the end. What is not named here follows in its order.
LONGEST_FIRST = (
    "tests/distribution_test.py",
    "tests/recipes/",
    "tests/models/",
    "tests/training/",
    "tests/export/",
    "tests/fusion/",
    "tests/weights/",
)


@pytest.fixture(autouse=True)
def _start_afresh():
    """Each test starts with layer names, random numbers and dtype policy as at the beginning."""
    keras = sys.modules.get("keras")  # tests of tfds_builders do without
    if keras is not None:
        keras.utils.clear_session(free_memory=False)
        keras.utils.set_random_seed(0)


@pytest.fixture
def without_graphs():
    """On TensorFlow what is compiled runs operation by operation, in this process.

    A few steps of a small network take a fraction of the time in which their graph is built. That
    the graph does the same is the matter of the tests that build one.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def rng():
    import numpy as np

    return np.random.default_rng(0)


def pytest_configure(config):
    # Keras' variables under NumPy 2; nothing this package does.
    config.addinivalue_line("filterwarnings", "ignore:__array__ impl:DeprecationWarning")
    # Of `without_graphs`.
    message = "Even though the `tf.config.experimental_run_functions_eagerly`"
    config.addinivalue_line("filterwarnings", f"ignore:{message}")
    # TensorFlow Datasets under protobuf 6, as apache-beam wants it.
    config.addinivalue_line("filterwarnings", r"ignore:label\(\) is deprecated:DeprecationWarning")


def pytest_collection_modifyitems(items):
    def rank(item):
        places = (i for i, x in enumerate(LONGEST_FIRST) if item.nodeid.startswith(x))
        return next(places, len(LONGEST_FIRST))

    items.sort(key=rank)


def pytest_collection_finish():
    """Python's collector leaves alone what was imported, and comes less often.

    Graphs are built of many small objects that live on: by default it walks through all of them
    again and again, a fifth of the processor's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
