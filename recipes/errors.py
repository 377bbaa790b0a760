"""Errors that tell a user what to do, without a traceback."""

import contextlib
import linecache
import pathlib
import re
import sys

import tensorflow as tf

OURS = ("keras_asym", "recipes", "tfds_builders")


@contextlib.contextmanager
def readable_errors(traceback=False):
    """Ends the program with one message for wrong input or a failed write.

    An error is about the user's input where a `raise` statement of this project has said so, or
    the operating system has. Anything else is a bug, and keeps its traceback. Errors of the data
    pipeline carry the graph they were raised in; only their message is shown.

    Args:
        traceback: Whether all errors keep their traceback.
    """
    try:
        yield
    except (ValueError, RuntimeError, ImportError) as error:
        if traceback or not is_raised_here(error):
            raise
        sys.exit(f"error: {error}")
    except tf.errors.OpError as error:
        found = re.search(r"Example `.*", str(error.message))
        if traceback or not found:
            raise
        sys.exit(f"error: {found[0]}")
    except OSError as error:
        if traceback:
            raise
        sys.exit(f"error: {error}")


def is_raised_here(error):
    """Whether the innermost frame of an error is a `raise` statement of this project."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    path = pathlib.Path(trace.tb_frame.f_code.co_filename)
    roots = [pathlib.Path(__file__).parents[1] / name for name in OURS]
    if not any(path.is_relative_to(root) for root in roots):
        return False
    return linecache.getline(str(path), trace.tb_lineno).lstrip().startswith("raise")
