from keras_asym.layers import ModalityLayer
from keras_asym.testing import layer_checks, presence_checks
from keras_asym.testing.running import failing


def check_layer(make, inputs, modalities=(1, 2, 3), training=(None,), identity=True):
    """Checks that a layer of your own does what every layer of this package does.

    The layer is made again by its config; saves and loads; runs under XLA and in other precisions,
    forward and backward; gives the shapes and dtypes that it announces. If it is a
    `ModalityLayer`: what an example lacks plays no part in it, in its gradients and its statistics,
    however the others of the batch are; in `SelectedModalities` it does the same; alone, a modality
    is left as it is. Any other layer must treat all entries of a batch alike.

    Args:
        make: Function of the number of modalities that makes the layer, not yet built. Its class is
            registered (`keras.saving.register_keras_serializable`).
        inputs: Function of the number of modalities M that gives what the layer is called on: a
            float32 array `(examples * M, ...)`, or a list or dictionary of such. At least three
            examples, which have different modalities in the check.
        modalities: Numbers of modalities to check.
        training: Values of the call argument `training` to check; leave it out if there is none.
        identity: Whether the layer changes nothing for a modality that is alone, as layers of a
            fusion must; `False` for others, such as normalizations.

    Raises:
        AssertionError: If it does not; says what.

    Example:

    >>> @keras.saving.register_keras_serializable(package="example")
    ... class MeanOfOthers(keras_asym.layers.ModalityLayer):
    ...     def call(self, inputs, presence=None):
    ...         if self.count == 1:
    ...             return inputs
    ...         x = keras_asym.ops.split_axis(inputs, self.count)
    ...         others = keras_asym.ops.mean_of_others(x, presence)
    ...         return inputs + keras_asym.ops.merge_axis(others)
    >>> inputs = lambda modalities: np.random.normal(size=(3 * modalities, 4, 8)).astype("float32")
    >>> keras_asym.testing.check_layer(MeanOfOthers, inputs)
    """
    for count in modalities:
        with failing(f"The layer of {count} does not run"):
            case = layer_checks.Case(make, inputs, count, tuple(training))
            case.layer()
        layer_checks.check_config(case)
        layer_checks.check_saving(case)
        layer_checks.check_symbolic(case)
        layer_checks.check_gradients(case)
        layer_checks.check_precision(case)
        layer_checks.check_xla(case)
        if isinstance(make(count), ModalityLayer):
            presence_checks.check_presence(case)
            presence_checks.check_selection(case)
            if identity:
                presence_checks.check_one_modality(case)
        else:
            layer_checks.check_examples_alike(case)
