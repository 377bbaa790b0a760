import keras


class LearningRates(keras.callbacks.Callback):
    """Logs at each epoch's end the learning rate: `learning_rate`, or one for each optimizer.

    A `MultiOptimizer` has `learning_rate_NAME` for each of its optimizers, by the names that
    Keras' TensorBoard files have, too. It must stand before the callbacks that read the logs.
    """

    def on_epoch_end(self, epoch, logs=None):
        optimizer = getattr(self.model, "optimizer", None)
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of a loss that is scaled
        if logs is None or optimizer is None:
            return
        if hasattr(optimizer, "optimizers"):
            for one in optimizer.optimizers:
                logs[f"learning_rate_{one.name}"] = _rate(one)
        else:
            logs["learning_rate"] = _rate(optimizer)


def _rate(optimizer):
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))
