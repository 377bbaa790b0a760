import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_asym")
class ConfusionMatrix(keras.metrics.Metric):
    """Pixel accuracy, mean accuracy and mean IoU of a segmentation, from one confusion matrix.

    Counts are integers, added up over batches and replicas, so that the figures are those of the
    whole data set. Rows are the true classes, columns the predicted ones; `counts` gives them. Mean
    accuracy and mean IoU are taken over the classes that occur (in the labels; in labels or
    predictions).

    A label that is neither a class nor void (0.5 is neither), or a prediction that is no class,
    counts in no cell: it makes the figures not a number until the metric is reset, inside a
    compiled step too.

    Args:
        num_classes: Number of classes C, void not counted.
        ignore_class: The void label; its pixels count nowhere.
        name: Prefix of the results: `name_pixel_accuracy`, `name_mean_accuracy`, `name_mean_iou`,
            each in 0..1.

    Call arguments:
        y_true: Labels `(batch, height, width)`.
        y_pred: Logits or probabilities `(batch, height, width, num_classes)`, or class indices of
            the shape of `y_true`.
    """

    def __init__(self, num_classes, ignore_class=255, name="confusion_matrix", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.num_classes = num_classes
        self.ignore_class = ignore_class
        self.matrix = self.add_variable(
            (num_classes, num_classes),
            initializer="zeros",
            # Exact up to 2^31 pixels in a cell where 64-bit integers are not at hand (JAX).
            dtype="int64" if keras.backend.backend() != "jax" else "int32",
            name="matrix",
        )
        self.invalid = self.add_variable((), "zeros", self.matrix.dtype, name="invalid")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch of pixels; `sample_weight` is not used, every valid pixel counts once."""
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        if self._has_class_axis(y_true.shape, y_pred.shape):
            # The first of the largest, as by `ops.argmax`, which takes three times as long on CPUs.
            y_pred = ops.top_k(y_pred, 1)[1][..., 0]
        labels, is_whole = _whole_numbers(y_true)
        predictions, is_class = _whole_numbers(y_pred)
        not_void = ops.logical_not(is_whole & (labels == self.ignore_class))
        valid = not_void & is_whole & is_class
        for index in (labels, predictions):
            valid = valid & (index >= 0) & (index < self.num_classes)
        cell = ops.where(valid, labels * self.num_classes + predictions, 0)
        counts = ops.segment_sum(ops.cast(valid, "int32"), cell, self.num_classes**2)
        counts = ops.reshape(counts, (self.num_classes, self.num_classes))
        self.matrix.assign_add(ops.cast(counts, self.matrix.dtype))
        invalid = ops.count_nonzero(not_void & ops.logical_not(valid))
        self.invalid.assign_add(ops.cast(invalid, self.matrix.dtype))

    def _has_class_axis(self, true, pred):
        """Whether predictions of shape `pred` are logits (labels may be `(..., 1)`)."""
        column = true[-1] == 1 and pred[-1] == self.num_classes and self.num_classes > 1
        return len(pred) > len(true) or (len(pred) == len(true) and column)

    def counts(self):
        """The matrix as integers: how many pixels of each true class were taken for each class.

        Returns:
            NumPy int64 array `(num_classes, num_classes)`: a row for each true class, a column for
            each predicted one.

        Raises:
            ValueError: If a label was neither a class nor void, or a prediction was no class.
        """
        invalid = int(ops.convert_to_numpy(self.invalid))
        if invalid:
            raise ValueError(
                f"Labels must be in 0..{self.num_classes - 1} or the void label "
                f"{self.ignore_class}, and predictions must be classes. Received: {invalid} pixels "
                f"in '{self.name}' that are not"
            )
        return ops.convert_to_numpy(self.matrix).astype("int64")

    def per_class_iou(self):
        """IoU of each class, `(num_classes,)`; not a number where a class does not occur."""
        matrix = ops.cast(self.matrix, "float32")
        hits = ops.diagonal(matrix)
        union = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - hits
        return ops.where(union > 0, hits / ops.maximum(union, 1.0), float("nan"))

    def result(self):
        matrix = ops.cast(self.matrix, "float32")
        hits = ops.diagonal(matrix)
        true = ops.sum(matrix, axis=1)
        iou = self.per_class_iou()
        figures = {
            "pixel_accuracy": ops.sum(hits) / ops.maximum(ops.sum(true), 1.0),
            "mean_accuracy": _mean_where(hits / ops.maximum(true, 1.0), true > 0),
            "mean_iou": _mean_where(iou, ops.logical_not(ops.isnan(iou))),
        }
        return {
            f"{self.name}_{key}": ops.where(self.invalid > 0, float("nan"), value)
            for key, value in figures.items()
        }

    def get_config(self):
        return {
            "num_classes": self.num_classes,
            "ignore_class": self.ignore_class,
            "name": self.name,
        }


def _whole_numbers(values):
    """Flat values as int32, and where they are integers in value."""
    values = ops.reshape(values, (-1,))
    integers = ops.cast(values, "int32")
    return integers, ops.equal(ops.cast(integers, values.dtype), values)


def _mean_where(values, defined):
    total = ops.sum(ops.where(defined, values, 0.0))
    return total / ops.maximum(ops.sum(ops.cast(defined, "float32")), 1.0)
