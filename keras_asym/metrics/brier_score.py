import keras

from keras_asym.metrics.pixel_metric import PixelMetric


@keras.saving.register_keras_serializable(package="keras_asym")
class BrierScore(PixelMetric):
    """Mean squared error of the probabilities, over the pixels that are not void.

    Brier's own form for several classes (1950): the sum over the classes of `(p - truth)^2`, in
    0..2; for two classes twice what is often called so. What sums up over batches and replicas, and
    what makes the figure not a number, is said in `PixelMetric`.

    Args:
        ignore_class: The void label; its pixels count nowhere.
        name: Name of the figure.

    Call arguments:
        y_true: Labels `(batch, height, width)`.
        y_pred: Logits `(batch, height, width, num_classes)`.

    Example:

    >>> metric = keras_asym.metrics.BrierScore()
    >>> metric.update_state(np.array([[[0, 255]]]), np.zeros((1, 1, 2, 4)))
    >>> float(metric.result())
    0.75
    """

    def __init__(self, ignore_class=255, name="brier", dtype=None):
        super().__init__(ignore_class, name, dtype)
        self.total = self.add_variable((), "zeros", self.float, name="total")

    def add_valid(self, pixels):
        self.total.assign_add(self.sum_of(pixels.squared_error, pixels.valid))

    def figure(self):
        return self.mean_of(self.total)
