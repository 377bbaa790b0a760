"""Packages that only some uses need; an extra of this package brings each."""

import importlib
import importlib.util


def import_optional(module, extra, needs, otherwise=""):
    """Imports a module that may not be installed.

    Args:
        module: Full name of the module.
        extra: The extra of keras_asym that brings it.
        needs: Start of the error: what needs which package.
        otherwise: End of the error: what could be done instead.

    Raises:
        ImportError: If it cannot be imported; names the extra and the cause.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{_advice(needs, extra)}{otherwise} ({error})") from error


def check_optional(module, extra, needs):
    """Raises the `ImportError` of `import_optional` without loading a top-level module."""
    if importlib.util.find_spec(module) is None:
        raise ImportError(_advice(needs, extra))


def _advice(needs, extra):
    return f"{needs}: pip install 'keras_asym[{extra}]'"
