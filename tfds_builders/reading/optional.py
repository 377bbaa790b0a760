"""Packages that only some formats need."""

import importlib


def import_reader(module, extra, what):
    """Imports a package that may not be installed.

    Args:
        module: Its name.
        extra: The extra of keras_asym that brings it.
        what: What it reads, for the error.

    Raises:
        ValueError: If it is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ValueError(
            f"{what} is read by {module}: pip install 'keras_asym[{extra}]' ({error})"
        ) from error
