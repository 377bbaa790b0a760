import math

import keras


class StopOnNaN(keras.callbacks.Callback):
    """Ends training with an error as soon as the loss is NaN or infinite.

    The error leaves `fit` before the broken model could be saved, if this is the first callback.

    Args:
        start: Number of steps of the run before the first one that is seen.
        keys: Function of a step of the run, counted from 0, that names the examples of its batch.

    Raises:
        RuntimeError: Names the epoch, the step, and the examples if they are known.
    """

    def __init__(self, start=0, keys=None):
        super().__init__()
        self.step = start
        self.keys = keys

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            examples = ""
            if self.keys is not None:
                examples = f" The batch: {', '.join(self.keys(self.step))}."
                if self.step:  # the loss shows a step later that an update was not finite
                    examples += f" The one before: {', '.join(self.keys(self.step - 1))}."
            raise RuntimeError(
                f"The loss is {loss} in epoch {self._epoch + 1}, step {self.step + 1} of the run."
                f"{examples} Lower the learning rate, or look at the "
                "inputs' normalization. What was saved is from before this step."
            )
        self.step += 1
