import sys
import time

import keras

SHOWN = ("loss", "mean_iou", "mae", "exchange_rate")


class ProgressBar(keras.callbacks.Callback):
    """A progress bar with the losses and the main figure of each output, one line an epoch.

    With `speed` it also says how many images a second are trained, and where modalities exchange
    channels, which share of them, when the epoch is over (`ExchangeRates`).
    From the second epoch on the line before it also says about how long the whole run still takes,
    validation included. The first step, which compiles, is not counted.

    Args:
        suffixes: Endings of the logged names that are shown.
        epochs: Number of epochs of the run, if a `fit` is a part of it.
        speed: `ImagesPerSecond` of the same `fit`, which must stand before it; `None` for none.
        clock: Function that gives seconds.
    """

    def __init__(self, suffixes=SHOWN, epochs=None, speed=None, clock=time.monotonic):
        super().__init__()
        self.suffixes = tuple(suffixes)
        self.epochs = epochs
        self.speed = speed
        self.clock = clock
        self._bar = None
        self._first = None  # when the first step ended
        self._steps = 0  # since then

    def on_epoch_begin(self, epoch, logs=None):
        total = self.epochs or self.params["epochs"]
        left = ""
        if self._steps:
            seconds = (self.clock() - self._first) / self._steps
            steps = (total - epoch) * self.params["steps"]
            left = f", about {readable_time(seconds * steps)} left"
        print(f"Epoch {epoch + 1}/{total}{left}")
        self._bar = keras.utils.Progbar(
            self.params["steps"],
            interval=1.0 if sys.stdout.isatty() else 30.0,
            stateful_metrics=None,
        )
        self._seen = 0

    def on_train_batch_end(self, batch, logs=None):
        self._seen = batch + 1
        if self._first is None:
            self._first = self.clock()
        else:
            self._steps += 1
        self._update(logs, finalize=False)

    def on_epoch_end(self, epoch, logs=None):
        self._update(logs, finalize=True)

    def _update(self, logs, finalize):
        shown = [(k, float(v)) for k, v in (logs or {}).items() if k.endswith(self.suffixes)]
        if self.speed is not None and self.speed.value is not None:
            shown.append(("images_per_second", self.speed.value))
        self._bar.stateful_metrics = {name for name, _ in shown}
        self._bar.update(self._seen, shown, finalize=finalize)


def readable_time(seconds):
    """`75.0` -> `"1 min 15 s"`: the two largest units."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    while len(parts) > 1 and not parts[0][0]:
        del parts[0]
    return " ".join(f"{number} {unit}" for number, unit in parts[:2])
