import keras

from keras_asym.metrics.pixel_metric import PixelMetric


@keras.saving.register_keras_serializable(package="keras_asym")
class NegativeLogLikelihood(PixelMetric):
    """Mean negative log-likelihood of the labels in nats, over the pixels that are not void.

    It is the cross-entropy, each valid pixel of the data set counting once. What sums up over
    batches and replicas, and what makes the figure not a number, is said in `PixelMetric`.

    Args:
        ignore_class: The void label; its pixels count nowhere.
        name: Name of the figure.

    Call arguments:
        y_true: Labels `(batch, height, width)`.
        y_pred: Logits `(batch, height, width, num_classes)`.

    Example:

    >>> metric = keras_asym.metrics.NegativeLogLikelihood()
    >>> metric.update_state(np.array([[[0, 255]]]), np.zeros((1, 1, 2, 4)))
    >>> round(float(metric.result()), 3)
    1.386
    """

    def __init__(self, ignore_class=255, name="nll", dtype=None):
        super().__init__(ignore_class, name, dtype)
        self.total = self.add_variable((), "zeros", self.float, name="total")

    def add_valid(self, pixels):
        self.total.assign_add(-self.sum_of(pixels.log_likelihood, pixels.valid))

    def figure(self):
        return self.mean_of(self.total)
