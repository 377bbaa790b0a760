"""What this package takes from inside of Keras, in one place.

Keras has no public name for what stands here. Each function says what it is for;
`tests/keras_internals_test.py` fails on a release of Keras that drops one.
"""

import functools
import threading

import keras
from keras.src.utils import backend_utils


class LossesOfReplica:
    """Keeps what a layer's `add_loss` gets apart by thread, which is what a replica is.

    The replicas of `tf.distribute` share their layers, and Keras keeps a layer's losses in one
    list. Each sum over the replicas in the network or in its loss changes from one to the next, so
    that one would read the losses of another, and train by none of its own.
    """

    @property
    def _losses(self):
        by_thread = self.__dict__.setdefault("_losses_by_thread", {})
        return by_thread.setdefault(threading.get_ident(), [])

    @_losses.setter
    def _losses(self, value):
        """Keras begins with an empty list."""


def register_presence(layer):
    """Makes `presence` an argument of the layer's call that is handed on like `training`.

    A layer inside of another one then gets it without the outer one's knowing of it, which is how
    it reaches the normalizations inside a transformer block.
    """
    layer._register_call_context_args("presence")


def run_through_graph(model, inputs, layer_of, call):
    """Runs the graph of a functional model with other layers: `keras.models.clone_model` does it
    too, but puts a model around the result."""
    return model._run_through_graph(inputs, operation_fn=layer_of, call_fn=call)


def graph_of(model):
    """The functional model whose graph a model runs, or `None`: a Sequential model has one
    inside."""
    if isinstance(model, keras.Sequential):
        return model._functional
    return model if hasattr(model, "_run_through_graph") else None


def nodes_of(model):
    """The nodes of a functional model's graph from its inputs on, without these.

    The layers themselves also know the nodes of other models that they are part of.
    """
    depths = sorted(model._nodes_by_depth, reverse=True)
    nodes = [node for depth in depths for node in model._nodes_by_depth[depth]]
    return [node for node in nodes if not node.is_input]


def operation_of(tensor):
    """The layer or operation that a symbolic tensor comes from."""
    return tensor._keras_history.operation


def sublayers(layer):
    """All layers inside of a layer, at any depth, without itself."""
    return layer._flatten_layers(include_self=False)


def own_weights(layer):
    """The weights of a layer without those of the layers inside of it."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


_OF_EVERY_LAYER = frozenset(vars(keras.layers.Layer()))


def attributes(layer):
    """What a layer's class has stored in the layer, by name; not what Keras keeps there."""
    return {
        name: value
        for name, value in vars(layer).items()
        if name not in _OF_EVERY_LAYER and not name.startswith(("_layers", "_self_"))
    }


def replace_sublayer(layer, old, new):
    """Tracks `new` in the place of `old`; the attribute that holds it is the caller's part."""
    if layer._tracker.is_in_store("layers", old):
        layer._tracker.replace_tracked_value("layers", old, new)


def set_attribute(layer, name, value):
    """Sets an attribute of a layer that is built, where Keras allows no new layers."""
    locked = layer._tracker.locked
    layer._tracker.unlock()
    try:
        setattr(layer, name, value)
    finally:
        if locked:
            layer._tracker.lock()


def constructor_arguments(layer):
    """The arguments that a layer was made with, or `None` where they are not plain values.

    For layers whose `get_config` does not give all of them, such as KerasHub's
    `HierarchicalTransformerEncoder`.
    """
    found = getattr(layer, "_auto_config", None)
    return None if found is None else dict(found.config)


def optimizer_of(optimizer, variable):
    """The optimizer that a `keras.optimizers.MultiOptimizer` has for a variable."""
    return optimizer._optimizer_map(variable)


def loss_tracker(model):
    """The metric of a compiled model that gives the mean loss of an epoch."""
    return model._loss_tracker


def compiled_losses_and_metrics(model):
    """What a compiled model computes of its losses and of its metrics; `None` where it has none.

    Each has `built` and `build(y_true, y_pred)`, which Keras calls in the first step.
    """
    return model._compile_loss, model._compile_metrics


def loss_of_one_output(model, loss):
    """What a compiled model makes of a loss for one output: also of a name or a function.

    Returns:
        `keras.losses.Loss`.
    """
    return type(model._compile_loss)(loss)


def replace_symbolic_build(model, make):
    """Gives a model another way to build itself from its first batch than Keras' own.

    Args:
        model: The model.
        make: Function of Keras' own way, a function of `data_batch`, that returns the new one, of
            `iterator` and `data_batch`.
    """
    own = functools.partial(type(model)._maybe_symbolic_build, model)
    model._maybe_symbolic_build = make(own)


def validation_writer(callback):
    """The writer of a `keras.callbacks.TensorBoard` for what belongs to the validation."""
    return callback._val_writer


def pipeline_backend():
    """The backend that computes here: TensorFlow in a `tf.data` pipeline, Keras' own elsewhere.

    It has `numpy`, `cast`, `shape` and `convert_to_tensor`.
    """
    backend = backend_utils.DynamicBackend()
    if backend_utils.in_tf_graph():
        backend.set_backend("tensorflow")
    return backend


def run_graph_by(model, run):
    """The same functional model, with the same layers, whose graph `run` runs.

    Args:
        model: Functional model.
        run: Function of a list of `(operation, call, node)`, in order, and of a dictionary of the
            tensors by the `id` of the symbolic ones, which it fills; `call` takes no argument but
            that dictionary and gives what the operation gives, a list.

    Returns:
        Functional model.
    """

    class Run(keras.Model):
        def _run_through_graph(self, inputs, operation_fn=lambda op: op, call_fn=None):
            if call_fn is not None:  # as when it is cloned
                return super()._run_through_graph(inputs, operation_fn, call_fn)
            tensors = {
                id(x): y for x, y in zip(self.inputs, keras.tree.flatten(inputs), strict=True)
            }

            def call_of(node):
                def call(tensors):
                    args, kwargs = node.arguments.fill_in(tensors)
                    return keras.tree.flatten(operation_fn(node.operation)(*args, **kwargs))

                return call

            run([(node, call_of(node)) for node in nodes_of(self)], tensors)
            found = [tensors[id(x)] for x in self.outputs]
            return keras.tree.pack_sequence_as(self._outputs_struct, found)

    return Run(model.inputs, model.output, name=model.name)
