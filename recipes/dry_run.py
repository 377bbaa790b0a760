"""A look at what a training would be, without doing it."""

import functools
import resource
import sys
import time

import keras

from keras_asym.training import choose_distribution, dtype_policy, readable_time


def dry_run(task, make_training, strategy="none"):
    """Reads two batches, makes two steps and one evaluation, and says what it saw.

    Printed are the classes' shares, the shapes of a batch, the number of parameters, the memory
    that was used and about how long the whole training takes. No file is written but those of a
    data set that was not built before.

    Args:
        task: `recipes.task.Task`.
        make_training: Function of the task, its data set and the distribution.
        strategy: See `keras_asym.training.choose_distribution`; one device tries everything.
    """
    task.check()
    distribution = choose_distribution("none")
    dataset = task.open()
    task.survey(dataset)
    task.check_evaluation(len(dataset.source(dataset.evaluated_split)))
    training = make_training(task, dataset, distribution)
    batches = list(training.train_batches(0, None).take(2).as_numpy_iterator())
    for name, array in _named(batches[0]):
        print(f"{name:24} {array.dtype.name:8} {array.shape} {_range(array)}")
    with dtype_policy(training.precision):
        keras.utils.set_random_seed(training.seed)
        model = training.build()
        stage = training.stages[0]
        stage.compile(model, stage.epochs * training.steps)
        model.optimizer.build(model.trainable_variables)
        weights = sum(int(keras.ops.size(v)) for v in model.trainable_variables)
        print(f"Parameters: {weights:,} trainable in {len(model.trainable_variables)} variables")
        seconds = 0.0
        for batch in batches:  # the first also compiles
            step = functools.partial(model.train_on_batch, *batch, return_dict=True)
            seconds, logs = _timed(step)
        print(f"Loss of a step: {float(logs['loss']):.4g}")
        evaluation = 0.0
        if training.validation_batches is not None:
            images = training.validation_batches(None)
            one = next(images.as_numpy_iterator())
            model.test_on_batch(*one, return_dict=True)
            once, _ = _timed(lambda: model.test_on_batch(*one, return_dict=True))
            evaluation = once * len(images)
            print(f"Evaluation of {len(images)} batch(es): about {readable_time(evaluation)}")
    epochs = sum(stage.epochs for stage in training.stages)
    total = epochs * (training.steps * seconds + evaluation / training.evaluate_every)
    # Kilobytes on Linux, bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024
    print(f"Memory of this process at its peak: {peak / 2**20:,.0f} MiB")
    print(
        f"{training.steps} steps an epoch, {epochs} epochs, {1000 * seconds:.0f} ms a step: about "
        f"{readable_time(total)} on one device{'' if strategy == 'none' else f', not {strategy}'}"
    )


def _timed(function):
    begin = time.monotonic()
    result = function()
    return time.monotonic() - begin, result


def _named(batch):
    """Names and arrays of a batch, whose first entry is a mapping of images."""
    images, *others = batch
    yield from images.items()
    yield from zip(("target", "weight"), others, strict=False)


def _range(array):
    low, high = float(array.min()), float(array.max())  # booleans, too
    return f"{low:.3g} .. {high:.3g}, mean {array.mean():.3g}"
