import csv
import io
import pathlib

import keras

from keras_asym.files import write_atomically


class EpochLog(keras.callbacks.Callback):
    """A table of the logged values, a row for each epoch, that stays right over interruptions.

    Keras' `CSVLogger` appends: epochs that are trained again would stand in it twice. Here the
    whole file is written aside and renamed at each epoch's end.

    Args:
        path: The CSV file. Epochs are counted from 0; what was not logged is `NA`.
        start: Rows of this epoch and later ones are left out of a file that is there already.
    """

    def __init__(self, path, start=0):
        super().__init__()
        self.path = pathlib.Path(path)
        self.rows = []
        if self.path.is_file():
            with open(self.path, newline="") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["epoch"]) < start]

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append({"epoch": epoch, **{key: float(x) for key, x in (logs or {}).items()}})
        names = sorted({name for row in self.rows for name in row} - {"epoch"})
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, ["epoch", *names], restval="NA")
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomically(self.path, text.getvalue())
