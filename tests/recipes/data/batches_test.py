import itertools

import numpy as np
import pytest
import tensorflow as tf

from recipes.data.batches import batch_keys, evaluation_batches, steps_per_epoch, training_batches
from recipes.data.sources import MemorySource
from tests.recipes.data.numbered import CountingSource, Numbers, numbered


def training(source, batch_size, **kwargs):
    return training_batches(source, Numbers(), batch_size, **kwargs)


def drawn(batches, steps):
    """Numbers of the examples of the first steps, in order."""
    return np.concatenate([numbers for numbers, *_ in batches.take(steps).as_numpy_iterator()])


def assert_same(first, second):
    for a, b in zip(tf.nest.flatten(first), tf.nest.flatten(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_epoch_is_a_permutation_of_all_examples_however_many():
    epochs = drawn(training(numbered(2000), 50), 80).reshape(2, 2000)
    for order in epochs:
        assert sorted(order) == list(range(2000))
        assert abs(np.corrcoef(order, np.arange(2000))[0, 1]) < 0.1
        assert order[:500].min() < 50 and order[:500].max() >= 1950
    assert abs(np.corrcoef(*epochs)[0, 1]) < 0.1


def test_epochs_end_within_batches():
    order = drawn(training(numbered(5), 2, seed=3), 10).reshape(4, 5)
    assert [sorted(epoch) for epoch in order] == [[0, 1, 2, 3, 4]] * 4
    assert len({tuple(epoch) for epoch in order}) > 1


def test_fewer_examples_than_a_batch_takes():
    order = drawn(training(numbered(3), 6), 2).reshape(4, 3)
    assert [sorted(epoch) for epoch in order] == [[0, 1, 2]] * 4


def test_the_seed_decides():
    first, again, other = (list(training(numbered(9), 3, seed=s).take(4)) for s in (1, 1, 2))
    assert_same(first, again)
    assert not np.array_equal(first[0][0], other[0][0])
    assert not np.array_equal(first[0][1], other[0][1])


def test_each_draw_has_random_numbers_of_its_own():
    uniforms = [batch[1].numpy() for batch in training(numbered(4), 4).take(3)]
    assert len(np.unique(uniforms)) == 3 * 4 * 2
    assert np.min(uniforms) >= 0 and np.max(uniforms) < 1


def test_start_step_continues_the_same_run():
    whole = list(training(numbered(5), 2, seed=7).take(9))
    for step in (1, 3, 6):  # in the middle of an epoch of 2.5 batches, and in later epochs
        resumed = list(training(numbered(5), 2, seed=7, start_step=step).take(3))
        assert_same(resumed, whole[step : step + 3])


def test_a_resumed_run_reads_nothing_that_was_before():
    whole = drawn(training(numbered(2000), 2, seed=7), 300)
    source = CountingSource(numbered(2000))
    resumed = drawn(training(source, 2, seed=7, start_step=250), 5)
    np.testing.assert_array_equal(resumed, whole[500:510])
    assert set(resumed) <= set(source.read_numbers)
    assert not set(whole[:500]) & set(source.read_numbers)
    assert len(source.read_numbers) == len(set(source.read_numbers))


def contexts(pipelines, replicas):
    return [tf.distribute.InputContext(pipelines, i, replicas) for i in range(pipelines)]


@pytest.mark.parametrize(("pipelines", "replicas"), [(1, 2), (2, 4), (4, 4)])
def test_shares_together_are_the_whole_batches(pipelines, replicas):
    each = replicas // pipelines
    whole = list(training(numbered(11), 8, seed=7, start_step=1).take(3))
    whole_evaluation = list(evaluation_batches(numbered(11), Numbers(), 8))
    shares = []
    for context in contexts(pipelines, replicas):
        train = training(numbered(11), 8, seed=7, start_step=1, input_context=context)
        test = evaluation_batches(numbered(11), Numbers(), 8, context)
        assert train.element_spec[0].shape == test.element_spec[0].shape[:1] == 8 // replicas
        assert len(test) == each * len(whole_evaluation)
        shares.append((list(train.take(3 * each)), list(test)))
    for kind, batches in enumerate((whole, whole_evaluation)):
        for step, batch in enumerate(batches):
            parts = [x for share in shares for x in share[kind][each * step : each * (step + 1)]]
            assert_same(tf.nest.map_structure(lambda *x: tf.concat(x, 0), *parts), batch)


def test_a_pipeline_reads_the_examples_of_its_own_share_alone():
    whole = drawn(training(numbered(2000), 8), 250).reshape(250, 2, 4)  # step, pipeline, example
    for number, context in enumerate(contexts(2, 4)):
        source = CountingSource(numbered(2000))
        share = drawn(training(source, 8, input_context=context), 6)
        np.testing.assert_array_equal(share, whole[:3, number].ravel())
        assert set(source.read_numbers) <= set(whole[:, number].ravel())


def test_a_strategy_distributes_the_pipelines():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    distributed = strategy.distribute_datasets_from_function(
        lambda context: training(numbered(5), 2, input_context=context)
    )
    assert_same(next(iter(distributed)), next(iter(training(numbered(5), 2))))
    (context,) = contexts(1, 3)
    with pytest.raises(ValueError, match="divisible"):
        evaluation_batches(numbered(5), Numbers(), 4, context)


def test_keys_are_the_names_of_the_very_examples_of_a_batch():
    batches = training(numbered(7), 3, seed=5)
    keys = batch_keys(numbered(7), 3, 5)
    for step, (numbers, _, names) in enumerate(batches.take(6).as_numpy_iterator()):
        assert keys(step) == [f"frame{number}" for number in numbers]
        assert keys(step) == [name.decode() for name in names]
    assert keys(1) == keys(1) != batch_keys(numbered(7), 3, 6)(1)  # also where it goes back


def test_examples_without_a_name_are_called_by_their_numbers():
    source = MemorySource({"image": np.arange(7, dtype="int32").reshape(7, 1, 1, 1)})
    keys = batch_keys(source, 3, 5)
    for step, (numbers, _, names) in enumerate(training(source, 3, seed=5).take(3)):
        assert keys(step) == [str(number) for number in numbers.numpy()]
        assert keys(step) == [name.decode() for name in names.numpy()]


def test_evaluation_keeps_the_order_and_fills_the_last_batch():
    batches = evaluation_batches(numbered(5), Numbers(), 2)
    assert len(batches) == 3
    images, values = (np.concatenate(x) for x in zip(*batches.as_numpy_iterator(), strict=True))
    assert images.shape == (6, 1, 1, 1)
    assert images.ravel().tolist() == [0, 1, 2, 3, 4, -1]
    assert values.ravel().tolist() == [0, 1, 2, 3, 4, -2]
    assert batches.element_spec[0] == tf.TensorSpec((2, 1, 1, 1), tf.int32)


def test_evaluation_reads_each_example_once():
    source = CountingSource(numbered(5))
    list(evaluation_batches(source, Numbers(), 2))
    assert sorted(source.read_numbers) == [0, 1, 2, 3, 4]


def test_evaluation_of_different_sizes():
    sizes = ((8, 12), (6, 9), (8, 12))
    source = MemorySource([{"image": np.zeros((*size, 1), "int32")} for size in sizes])
    shapes = [x.shape[1:3] for x, _ in evaluation_batches(source, Numbers(), 1)]
    assert shapes == list(sizes)
    message = r"Example `1`: sizes must be equal: set `eval_size`.*\[8 12 1\] and \[6 9 1\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        list(evaluation_batches(source, Numbers(), 2))


@pytest.mark.parametrize(("count", "size", "steps"), [(5, 2, 2), (6, 2, 3), (5, 8, 1)])
def test_steps_per_epoch(count, size, steps):
    assert steps_per_epoch(numbered(count), size) == steps


def test_what_cannot_be_batched():
    for make, size in itertools.product((training_batches, evaluation_batches), (0, 2)):
        source = numbered(5 if size == 0 else 0)
        message = "`batch_size` must be at least 1" if size == 0 else "at least one example"
        with pytest.raises(ValueError, match=message):
            make(source, Numbers(), size)
