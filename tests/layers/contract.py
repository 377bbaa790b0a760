"""What every public layer must do, whatever it computes."""

import pytest

from keras_asym.layers import ModalityLayer
from keras_asym.testing import layer_checks, presence_checks
from tests.helpers import ON_JAX, arrays, images, randomize

CHANNELS = 13  # neither a multiple of five nor even


def numbers(default, slow):
    """Numbers of modalities; of those in `slow` the slow tests."""
    marked = [pytest.param(count, marks=pytest.mark.slow) for count in slow]
    return pytest.mark.parametrize("modalities", [*default, *marked])


# JAX compiles each case anew, and has fewer of them: the numbers of modalities do not differ there.
ONE_TO_THREE = numbers([2], []) if ON_JAX else numbers([1, 2, 3], [])
ALONE_AND_THREE = numbers([2], []) if ON_JAX else numbers([1, 3], [2])
PRESENCES = numbers([3], []) if ON_JAX else numbers([2, 3], [1, 4])


class LayerContract:
    """Base of the contract test of one layer; subclasses say how it is made and called."""

    training = (None,)  # values of the call argument, where the layer takes it
    identity = False  # whether the layer changes nothing for a modality that is alone
    all_present = 0.0  # difference of a presence of all and none; not 0 if sums are made otherwise

    def make(self, modalities):
        raise NotImplementedError

    def inputs(self, modalities, height=5, width=6):
        return images(4 * modalities, height, width, CHANNELS)

    def case(self, modalities):
        return layer_checks.Case(self.make, self.inputs, modalities, self.training)

    @ONE_TO_THREE
    def test_config_round_trip(self, modalities):
        layer_checks.check_config(self.case(modalities))

    @ALONE_AND_THREE
    def test_save_and_load(self, modalities):
        layer_checks.check_saving(self.case(modalities))

    @ALONE_AND_THREE
    def test_precision(self, modalities):
        layer_checks.check_precision(self.case(modalities))

    @ALONE_AND_THREE
    def test_xla_equals_eager(self, modalities):
        layer_checks.check_xla(self.case(modalities))

    @ONE_TO_THREE
    def test_symbolic_shape_is_the_eager_one(self, modalities):
        layer_checks.check_symbolic(self.case(modalities))

    @ALONE_AND_THREE
    def test_gradients_are_finite(self, modalities):
        layer_checks.check_gradients(self.case(modalities))

    @PRESENCES
    def test_modalities_that_are_there(self, modalities):
        case = self.case(modalities)
        if isinstance(self.make(modalities), ModalityLayer):
            presence_checks.check_presence(case, self.all_present)
            presence_checks.check_selection(case)
            if self.identity:
                presence_checks.check_one_modality(case)
        else:
            layer_checks.check_examples_alike(case)

    @ALONE_AND_THREE
    def test_dynamic_height_and_width(self, modalities):
        case = self.case(modalities)
        symbolic = layer_checks.symbolic_inputs(
            case.inputs(modalities), lambda shape: (*(None,) * (len(shape) - 2), shape[-1])
        )
        model = randomize(case.model(symbolic))
        for size in ((5, 6), (8, 3)):
            outputs = arrays(model(self.inputs(modalities, *size)))
            for output, symbolic in zip(outputs, model.outputs, strict=True):
                pairs = zip(output.shape, symbolic.shape, strict=True)
                assert all(known in (None, actual) for actual, known in pairs)
                assert symbolic.shape[-1] == output.shape[-1]
