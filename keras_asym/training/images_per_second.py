import time

import keras


class ImagesPerSecond(keras.callbacks.Callback):
    """Logs at each epoch's end how many images a second were trained, as `images_per_second`.

    What follows the last step of an epoch, as the validation, is not counted, nor is the first step
    of all, which compiles, unless it is the epoch's only one. It must stand before the callbacks
    that read the logs.

    Args:
        images: Images in a step, on all devices together.
        clock: Function that gives seconds.

    Attributes:
        value: The rate of this epoch until now; `None` before there is one.
    """

    def __init__(self, images, clock=time.monotonic):
        super().__init__()
        self.images = images
        self.clock = clock
        self.value = None
        self._begin = self._steps = 0
        self._compiled = False

    def on_epoch_begin(self, epoch, logs=None):
        self._begin, self._steps = self.clock(), 0

    def on_train_batch_end(self, batch, logs=None):
        now = self.clock()
        self._steps += 1
        self.value = self.images * self._steps / max(now - self._begin, 1e-9)
        if not self._compiled:
            self._compiled = True
            self._begin, self._steps = now, 0

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None and self.value is not None:
            logs["images_per_second"] = self.value
