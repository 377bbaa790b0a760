"""Training recipes, run from a checkout: `python -m recipes.<task>.<command>`."""

import os

from absl import logging

# The start-up and progress messages of libraries are no news to a user; errors still come.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow turns these kernels on by itself only where the processor has AVX512-VNNI; with AVX2
# alone they make a training step faster too (benchmarks/training.py).
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
logging.set_verbosity(logging.ERROR)
