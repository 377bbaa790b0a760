import sys

import keras


class ProgressBar(keras.callbacks.Callback):
    """A progress bar with the losses and the main figure of each output, one line an epoch.

    Args:
        suffixes: Endings of the logged names that are shown.
        epochs: Number of epochs of the run, if a `fit` is a part of it.
    """

    def __init__(self, suffixes=("loss", "mean_iou", "mae"), epochs=None):
        super().__init__()
        self.suffixes = tuple(suffixes)
        self.epochs = epochs
        self._bar = None

    def on_epoch_begin(self, epoch, logs=None):
        print(f"Epoch {epoch + 1}/{self.epochs or self.params['epochs']}")
        self._bar = keras.utils.Progbar(
            self.params["steps"],
            interval=1.0 if sys.stdout.isatty() else 30.0,
            stateful_metrics=None,
        )
        self._seen = 0

    def on_train_batch_end(self, batch, logs=None):
        self._seen = batch + 1
        self._update(logs, finalize=False)

    def on_epoch_end(self, epoch, logs=None):
        self._update(logs, finalize=True)

    def _update(self, logs, finalize):
        shown = [(k, float(v)) for k, v in (logs or {}).items() if k.endswith(self.suffixes)]
        self._bar.stateful_metrics = {name for name, _ in shown}
        self._bar.update(self._seen, shown, finalize=finalize)
