import keras


class EarlyStopping(keras.callbacks.Callback):
    """Ends training when the best model is too old.

    Keras' `EarlyStopping` forgets at a resume what it has seen; this one asks the checkpoints,
    which remember the best epoch in the run's folder.

    Args:
        checkpoint: `ModelCheckpoint` of the run, which must stand before it in the callbacks.
        patience: Number of epochs after the best one, or after the start while there is none; 0
            never stops.

    Attributes:
        stopped: Whether training was ended.
    """

    def __init__(self, checkpoint, patience):
        super().__init__()
        self.checkpoint = checkpoint
        self.patience = patience
        self.stopped = False

    def on_epoch_end(self, epoch, logs=None):
        best = self.checkpoint.best_epoch or 0  # all values so far were NaN
        monitored = self.checkpoint.monitor in (logs or {})
        if self.patience and monitored and epoch + 1 - best >= self.patience:
            print(
                f"{self.checkpoint.monitor} was best in epoch {best}, {epoch + 1 - best} epochs "
                "ago: training ends early."
            )
            self.stopped = True
            self.model.stop_training = True
