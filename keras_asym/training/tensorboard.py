import keras

from keras_asym.keras_internals import validation_writer


class TensorBoard(keras.callbacks.TensorBoard):
    """Keras' TensorBoard files, learning rates among them, with pictures beside the curves.

    Args:
        log_dir: Folder of the files.
        pictures: Function of the model that gives `{name: uint8 array (height, width, 3)}`; called
            after each epoch with validation. `None` for none.
        **kwargs: As for `keras.callbacks.TensorBoard`.
    """

    def __init__(self, log_dir, pictures=None, **kwargs):
        super().__init__(log_dir, write_graph=False, **kwargs)
        self.pictures = pictures

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        validated = any(name.startswith("val_") for name in logs or {})
        if self.pictures is not None and validated:
            with validation_writer(self).as_default():
                for name, picture in self.pictures(self.model).items():
                    self.summary.image(name, picture[None], step=epoch)
