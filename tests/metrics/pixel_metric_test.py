"""What the metrics of confidence have in common."""

import keras
import numpy as np
import pytest

from keras_asym.metrics.pixel_metric import read_pixels
from tests.helpers import run_program
from tests.metrics.pixel_figures import JAX, METRICS, example, expected, update_compiled
from tests.models.tiny import CLASSES, VOID


def assert_value(metric, figures, rel=1e-5):
    """AURC is exact up to its bins, in which a pixel or two of so few may be alike."""
    rel = 1e-3 if metric.name == "aurc" else rel
    assert value_of(metric) == pytest.approx(figures[type(metric)], rel=rel)


def value_of(metric):
    return float(metric.result())


@pytest.mark.parametrize("metric_class", METRICS)
def test_sums_up_batches_as_numpy_does_over_all(metric_class):
    metric = metric_class()
    batches = [example(seed, size) for seed, size in ((0, 2), (1, 3), (2, 1))]
    for batch in batches:
        metric.update_state(*batch)
    labels, logits = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    assert_value(metric, expected(labels, logits))
    metric.reset_state()
    assert value_of(metric) == 0
    metric.update_state(*batches[1])
    assert_value(metric, expected(*batches[1]))


@pytest.mark.parametrize("metric_class", METRICS)
def test_compiled_with_a_channel_axis_and_wide_labels(metric_class):
    labels, logits = example(3)
    metric = metric_class()
    update_compiled(metric, labels[..., None].astype("int32"), logits)
    assert_value(metric, expected(labels, logits))


@pytest.mark.parametrize("metric_class", METRICS)
def test_half_precision(metric_class):
    labels, logits = example(4)
    logits = logits.astype("float16")
    metric = metric_class()
    metric.update_state(labels, logits)
    assert_value(metric, expected(labels, logits), rel=1e-4)


@pytest.mark.parametrize("metric_class", METRICS)
@pytest.mark.parametrize("size", [1e4, 6e4, 1e38])
def test_huge_logits_are_sure(metric_class, size):
    """Half of the pixels are right, all are sure: and nothing is not a number."""
    logits = np.array([[[[size, 0, -size], [size, 0, -size]]]], "float32")
    metric = metric_class()
    metric.update_state(np.array([[[0, 1]]]), logits)
    name = metric.name
    # AURC: both pixels are alike, a random order has the risk 1/2 at either coverage.
    assert value_of(metric) == pytest.approx(
        {"ece": 0.5, "nll": size / 2, "brier": 1.0, "aurc": 0.5}[name], rel=1e-6
    )


@pytest.mark.parametrize("metric_class", METRICS)
def test_void_alone_is_zero_and_may_hold_anything(metric_class):
    metric = metric_class()
    metric.update_state(np.full((1, 2, 2), VOID), np.full((1, 2, 2, CLASSES), np.nan))
    assert value_of(metric) == 0
    other = metric_class(ignore_class=0)
    other.update_state(np.array([[[0, 1]]]), np.array([[[[np.nan, 0.0], [0.0, 40.0]]]]))
    assert value_of(other) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("metric_class", METRICS)
@pytest.mark.parametrize(
    ("label", "logit"), [(CLASSES, 0.0), (-1, 0.0), (0.5, 0.0), (0, np.nan), (0, np.inf)]
)
def test_what_is_no_class_or_no_number_gives_no_figure(metric_class, label, logit):
    metric = metric_class()
    logits = np.zeros((1, 1, 2, CLASSES), "float32")
    logits[0, 0, 1, 2] = logit
    metric.update_state(np.array([[[0, label]]]), logits)
    assert np.isnan(value_of(metric))
    metric.reset_state()
    metric.update_state(*example())
    assert value_of(metric) > 0


@pytest.mark.parametrize("metric_class", METRICS)
def test_config(metric_class):
    metric = metric_class(ignore_class=7, name="mine")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert type(again) is metric_class
    assert again.get_config() == metric.get_config()
    assert (again.ignore_class, again.name) == (7, "mine")


def test_masks_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"must be masks of class indices.*\(1, 2, 3, 5\)"):
        read_pixels(np.zeros((1, 2, 3, 5)), np.zeros((1, 2, 3, 5)), VOID)


@pytest.mark.parametrize("metric_class", METRICS)
def test_counts_stay_exact_above_24_bits(metric_class):
    metric = metric_class()
    metric.number.assign(2**24)
    metric.update_state(np.array([[[0]]]), np.zeros((1, 1, 1, 2)))
    assert int(metric.number) == 2**24 + 1


@pytest.mark.skipif(JAX, reason="replicas of tf.distribute")
def test_two_replicas_with_uneven_void_give_the_figures_of_one():
    found = run_program("tests.metrics.two_replicas")
    assert found["two"] == pytest.approx(found["one"], rel=1e-6)
    assert all(value > 0 for value in found["one"].values())
