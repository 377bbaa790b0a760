import os
import sys

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(autouse=True)
def _start_afresh():
    """Each test starts with layer names, random numbers and dtype policy as at the beginning."""
    keras = sys.modules.get("keras")  # tests of tfds_builders do without
    if keras is not None:
        keras.utils.clear_session(free_memory=False)
        keras.utils.set_random_seed(0)


@pytest.fixture
def rng():
    import numpy as np

    return np.random.default_rng(0)


def pytest_configure(config):
    # Keras' variables under NumPy 2; nothing this package does.
    config.addinivalue_line("filterwarnings", "ignore:__array__ impl:DeprecationWarning")
    # TensorFlow Datasets under protobuf 6, as apache-beam wants it.
    config.addinivalue_line("filterwarnings", r"ignore:label\(\) is deprecated:DeprecationWarning")
