import math

import keras


class StopOnNaN(keras.callbacks.Callback):
    """Ends training with an error as soon as the loss is NaN or infinite.

    The error leaves `fit` before a checkpoint of the broken model could be written.

    Raises:
        RuntimeError: Names the epoch and the step.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise RuntimeError(
                f"The loss is {loss} in epoch {self._epoch + 1}, step {batch + 1}. Lower the "
                "learning rate, or look at the inputs' normalization. The last checkpoint is from "
                "before this epoch."
            )
