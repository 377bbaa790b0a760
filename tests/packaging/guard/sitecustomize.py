"""Loaded by every Python that has this folder on its path: it ends where a file of the checkout is
used, but for the environment that may lie inside of it.

An exception could be caught by the program under test; the end of the process cannot.
"""

import os
import sys

STATUS = 97
_CHECKOUT = os.path.realpath(os.environ["GUARDED_CHECKOUT"])
_ALLOWED = (
    os.path.abspath(sys.prefix),
    os.path.realpath(sys.prefix),
    os.path.dirname(os.path.realpath(__file__)),
)


def _is_inside(path, folder):
    return path == folder or path.startswith(folder + os.sep)


def _refuse(event, arguments):
    if event not in ("open", "os.listdir", "os.scandir") or not arguments:
        return
    if not isinstance(arguments[0], (str, bytes)):
        return  # a file descriptor, or the working folder
    path = os.path.abspath(os.fsdecode(arguments[0]))
    if _is_inside(path, _CHECKOUT) and not any(_is_inside(path, x) for x in _ALLOWED):
        os.write(2, f"{event} of a file of the checkout: {path}\n".encode())
        os._exit(STATUS)


sys.addaudithook(_refuse)
