"""Training recipes, run from a checkout: `python -m recipes.<task>.<command>`."""

import os

from absl import logging

# The start-up and progress messages of libraries are no news to a user; errors still come.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
logging.set_verbosity(logging.ERROR)
