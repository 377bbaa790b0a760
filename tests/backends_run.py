"""Runs saved models on the backend of this process; run by backends_test.py.

    KERAS_BACKEND=jax python -m tests.backends_run FOLDER

FOLDER holds `NAME.keras` files and `inputs.npz`; `NAME.npz` with the outputs are added.
"""

import pathlib
import sys

import keras
import numpy as np

import keras_asym  # noqa: F401 (its classes, for the files)


def main(folder):
    folder = pathlib.Path(folder)
    inputs = dict(np.load(folder / "inputs.npz"))
    for path in sorted(folder.glob("*.keras")):
        outputs = keras.saving.load_model(path).predict_on_batch(inputs)
        np.savez(path.with_suffix(".npz"), **outputs)
    print(keras.backend.backend())


if __name__ == "__main__":
    main(*sys.argv[1:])
