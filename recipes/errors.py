"""Errors that tell a user what to do, without a traceback."""

import contextlib
import re
import sys

import tensorflow as tf


@contextlib.contextmanager
def readable_errors():
    """Ends the program with one message for wrong input or a failed write.

    Errors of the data pipeline carry the graph they were raised in; only their message is shown.
    Anything else keeps its traceback: it is a bug.
    """
    try:
        yield
    except (ValueError, RuntimeError, OSError, ImportError) as error:
        sys.exit(f"error: {error}")
    except tf.errors.InvalidArgumentError as error:
        found = re.search(r"Example `.*", str(error.message))
        if not found:
            raise
        sys.exit(f"error: {found[0]}")
