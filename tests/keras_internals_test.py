"""Keras still has what `keras_internals` takes from inside of it, and it still means the same."""

import inspect
import threading

import keras
import numpy as np
import pytest
from keras import layers

from keras_asym import keras_internals
from tests.helpers import images


class Scaled(layers.Layer):
    """Multiplies by `presence`, which nobody passes to it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        keras_internals.register_presence(self)

    def call(self, inputs, presence=None):
        return inputs if presence is None else inputs * presence


class Holder(layers.Layer):
    """Holds layers in an attribute, a list and a dictionary."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.size = 3
        self.first = layers.Dense(3, name="first")
        self.others = [layers.Dense(3, name="second"), {"third": layers.Dense(3, name="third")}]
        self.own = self.add_weight(name="own", shape=(2,))

    def call(self, inputs):
        x = self.others[0](self.first(inputs))
        return self.others[1]["third"](x)


class Outer(Holder):
    """Holds a holder."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = Holder(name="inner")

    def call(self, inputs):
        return self.inner(super().call(inputs))


def two_layers():
    inputs = keras.Input((4,))
    x = layers.Dense(5, name="dense")(inputs)
    return keras.Model(inputs, layers.ReLU(name="relu")(x), name="net")


def test_every_function_has_a_test():
    functions = [
        name
        for name, value in vars(keras_internals).items()
        if inspect.isfunction(value) and value.__module__ == keras_internals.__name__
    ]
    tests = " ".join(name for name in globals() if name.startswith("test_"))
    assert functions and all(f"_{name}" in tests for name in functions)


class Penalized(keras_internals.LossesOfReplica, layers.Layer):
    """Adds the sum of its inputs to the losses; `meet` is called after that."""

    def call(self, inputs, meet=None):
        self.add_loss(keras.ops.sum(inputs))
        if meet is not None:
            meet()
        return inputs


def test_losses_of_replica():
    """Two threads that call one layer at the same time each find the loss of their own."""
    layer, barrier, found = Penalized(), threading.Barrier(2), {}
    layer(images(1, 2))  # built

    def replica(value):
        layer(np.full((1, 2), value, "float32"), meet=barrier.wait)
        found[value] = [float(loss) for loss in layer.losses]

    threads = [threading.Thread(target=replica, args=(value,)) for value in (1.0, 3.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {1.0: [2.0], 3.0: [6.0]}
    assert len(layer.losses) == 1  # of this thread, until it calls the layer again
    layer(images(1, 2))
    assert len(layer.losses) == 1


def test_register_presence():
    class Around(layers.Layer):
        def __init__(self):
            super().__init__()
            keras_internals.register_presence(self)
            self.inner = Scaled()

        def call(self, inputs):
            return self.inner(inputs)

    inputs = keras.Input((4,))
    for layer in (Scaled(), Around()):
        model = keras.Model(inputs, layer(inputs))
        x = images(2, 4)
        for called in (layer, model):
            np.testing.assert_array_equal(called(x), x)
            found = called(x, presence=np.array([[2.0], [0.0]], "float32"))
            np.testing.assert_array_equal(found, x * [[2], [0]])


def test_run_through_graph():
    model, met = two_layers(), []
    double = layers.Rescaling(2.0, name="double")

    def call(layer, *args, **kwargs):
        met.append(layer.name)
        return layer(*args, **kwargs)

    outputs = keras_internals.run_through_graph(
        model, keras.Input((4,)), lambda layer: double if layer.name == "relu" else layer, call
    )
    assert met == ["dense", "double"]
    (output,) = keras.tree.flatten(outputs)
    assert keras_internals.operation_of(output) is double


def test_graph_of():
    model = two_layers()
    assert keras_internals.graph_of(model) is model
    sequential = keras.Sequential([keras.Input((4,)), layers.Dense(5, name="dense")])
    graph = keras_internals.graph_of(sequential)
    assert type(graph).__name__ == "Functional"
    assert [x.name for x in graph.layers][-1] == "dense"
    assert keras_internals.graph_of(keras.Sequential([layers.Dense(5)])) is None  # not built
    assert keras_internals.graph_of(layers.Dense(5)) is None


def test_nodes_of():
    model = two_layers()
    shared = model.get_layer("dense")
    keras.Model(*(lambda x: (x, shared(x)))(keras.Input((4,))))  # a node of another model
    nodes = keras_internals.nodes_of(model)
    assert [node.operation.name for node in nodes] in (["relu", "dense"], ["dense", "relu"])
    by_name = {node.operation.name: node for node in nodes}
    assert by_name["relu"].input_tensors[0] is by_name["dense"].outputs[0]
    assert by_name["relu"].outputs[0] is model.outputs[0]


def test_operation_of():
    model = two_layers()
    assert keras_internals.operation_of(model.output) is model.get_layer("relu")
    operation = keras_internals.operation_of(model.output + 1)
    assert operation.name.startswith("add")


def test_sublayers():
    outer = Outer(name="outer")
    names = [x.name for x in keras_internals.sublayers(outer)]
    assert sorted(names) == sorted(["first", "second", "third"] * 2 + ["inner"])
    assert keras_internals.sublayers(layers.Dense(2)) == []


def test_own_weights():
    outer = Outer()
    outer(images(2, 4))
    assert len(outer.weights) == 2 * (6 + 1)
    assert [w.name for w in keras_internals.own_weights(outer)] == ["own"]
    norm = layers.BatchNormalization()
    norm.build((None, 4))
    names = [w.name for w in keras_internals.own_weights(norm)]
    assert names == ["gamma", "beta", "moving_mean", "moving_variance"]


@pytest.mark.parametrize("built", [False, True])
def test_attributes(built):
    layer = Holder()
    if built:
        layer(images(2, 4))
    found = keras_internals.attributes(layer)
    assert found.keys() - {"own"} == {"size", "first", "others"}
    assert found["first"] is layer.first
    for plain in (layers.Layer(), layers.Flatten()):
        assert not any(
            isinstance(x, keras.layers.Layer) for x in keras_internals.attributes(plain).values()
        )


def test_replace_sublayer_and_set_attribute():
    layer, x = Holder(), images(2, 4)
    layer(x)
    old, new = layer.first, layers.Dense(3, name="new", use_bias=False)
    new.build((None, 4))
    with pytest.raises(ValueError, match="cannot add new elements of state"):
        layer.first = layers.Dense(3)  # what Keras says of a built layer
    keras_internals.replace_sublayer(layer, old, new)
    keras_internals.set_attribute(layer, "first", new)
    assert layer.first is new
    names = [x.name for x in keras_internals.sublayers(layer)]
    assert sorted(names) == ["new", "second", "third"]
    assert sum(w is new.kernel for w in layer.weights) == 1
    assert not any(w is old.kernel for w in layer.weights)
    with pytest.raises(ValueError, match="cannot add new elements of state"):
        layer.another = layers.Dense(3)  # locked again


def test_constructor_arguments():
    class Settings(layers.Layer):  # Keras notes the arguments of a layer without get_config
        def __init__(self, size, names=("a",)):
            super().__init__()

    found = keras_internals.constructor_arguments(Settings(3))
    assert found is not None and found["size"] == 3
    assert keras_internals.constructor_arguments(object()) is None


def compiled(**kwargs):
    model = two_layers()
    model.compile("sgd", "mse", jit_compile=False, **kwargs)
    return model


def test_optimizer_of():
    model = two_layers()
    first, second = keras.optimizers.SGD(0.1), keras.optimizers.Adam()
    optimizer = keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(first, {".*bias": second})
    )
    optimizer.build(model.trainable_variables)
    kernel, bias = model.trainable_variables
    assert keras_internals.optimizer_of(optimizer, kernel) is first
    assert keras_internals.optimizer_of(optimizer, bias) is second


def test_loss_tracker():
    model = compiled()
    loss = model.evaluate(images(2, 4), images(2, 5), verbose=0)
    tracker = keras_internals.loss_tracker(model)
    tracker.reset_state()
    tracker.update_state(3.0)
    assert tracker in model.metrics and float(tracker.result()) == 3.0 and loss > 0


def test_compiled_losses_and_metrics():
    losses, metrics = keras_internals.compiled_losses_and_metrics(compiled())
    assert metrics is None and not losses.built
    model = compiled(metrics=["mae"])
    losses, metrics = keras_internals.compiled_losses_and_metrics(model)
    for part in (losses, metrics):
        part.build(images(2, 5), images(2, 5))
        assert part.built
    assert set(model.evaluate(images(2, 4), images(2, 5), verbose=0, return_dict=True)) == {
        "loss",
        "mae",
    }


@pytest.mark.parametrize("loss", ["mse", keras.losses.mean_squared_error])
def test_loss_of_one_output(loss):
    made = keras_internals.loss_of_one_output(compiled(), loss)
    y, x, weights = images(2, 5), images(2, 5, seed=1), np.array([1.0, 0.0])
    assert isinstance(made, keras.losses.Loss) and not made.metrics
    expected = keras.losses.MeanSquaredError()(y, x, weights)
    assert float(made(y, x, weights)) == pytest.approx(float(expected)) and float(expected) > 0


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="several hosts: TensorFlow")
def test_replace_symbolic_build():
    model, seen = compiled(metrics=["mae"]), []

    def make(build):
        def symbolic_build(iterator=None, data_batch=None):
            seen.append(iterator)
            build(iterator=iterator, data_batch=data_batch)

        return symbolic_build

    keras_internals.replace_symbolic_build(model, make)
    model.fit(images(2, 4), images(2, 5), verbose=0)
    assert seen


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="files of TensorFlow")
def test_validation_writer(tmp_path):
    callback = keras.callbacks.TensorBoard(tmp_path)
    model = compiled()
    callback.set_model(model)
    with keras_internals.validation_writer(callback).as_default():
        pass
    assert (tmp_path / "validation").is_dir()


def test_pipeline_backend():
    tf = pytest.importorskip("tensorflow")
    found = []

    def look(x):
        backend = keras_internals.pipeline_backend()
        found.append(backend.name)
        image = backend.cast(backend.convert_to_tensor(x), "float32")
        return backend.numpy.where(image > 1, image, backend.numpy.zeros(backend.shape(image)))

    result = next(iter(tf.data.Dataset.from_tensors([1, 2]).map(look)))
    np.testing.assert_array_equal(result.numpy(), [0, 2])
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(look([1, 2])), [0, 2])
    assert found == ["tensorflow", keras.backend.backend()]


def test_run_graph_by():
    """Each operation in order, of the tensors that `run` has put there."""
    model, seen = two_layers(), []

    def run(nodes, tensors):
        for node, call in nodes:
            seen.append(node.operation.name)
            values = [2 * y for y in call(tensors)]
            tensors.update(zip(map(id, node.outputs), values, strict=True))

    x = images(2, 4)
    changed = keras_internals.run_graph_by(model, run)
    expected = 2 * keras.ops.relu(2 * model.get_layer("dense")(x))
    np.testing.assert_allclose(changed([x]), expected, rtol=1e-6)
    assert seen == ["dense", "relu"]
    assert changed.layers == model.layers
    np.testing.assert_array_equal(keras.models.clone_model(changed)([x]).shape, (2, 5))
