"""Alternating training steps of two players, for the TensorFlow and the JAX backend."""

import re

import keras
from keras import ops

from keras_asym.models.inputs import is_distributed


class AdversarialStep:
    """Mixin of `Translator`: what `fit` and `evaluate` do with a batch `(inputs, target)`.

    A step computes the generator's outputs, updates the discriminator on them, and then the
    generator against the *updated* discriminator. A model has the networks `generator` and
    `discriminator`, `losses_for`, the metrics `terms` and `errors`, and `output_keys`.
    """

    def compile_players(self, generator_optimizer, discriminator_optimizer, jit_compile, **kwargs):
        """Compiles with one optimizer for each player; they are saved with the model."""
        if jit_compile == "auto" and is_distributed():
            jit_compile = False
        paths = [variable.path for variable in self.discriminator.trainable_variables]
        taken = {variable.path for variable in self.generator.trainable_variables} & set(paths)
        if taken:
            raise ValueError(
                "Layers of the generator and the discriminator must have different names. "
                f"Received: {sorted(taken)[0]} in both"
            )
        pattern = "|".join(map(re.escape, paths))
        optimizer = keras.optimizers.MultiOptimizer(
            keras.optimizers.OptimizerMap(generator_optimizer, {pattern: discriminator_optimizer})
        )
        self._compile_both(optimizer, jit_compile=jit_compile, **kwargs)

    def _compile_both(self, optimizer, **kwargs):
        # A scaled loss would need a scale for each player: float16 is not offered for training.
        keras.Model.compile(self, optimizer=optimizer, auto_scale_loss=False, **kwargs)
        self.optimizer.build(self.trainable_variables)

    def compile_from_config(self, config):
        """Compiles the model as it was when saved, with the state of its optimizers to come."""
        config = keras.saving.deserialize_keras_object(config)
        names = ("optimizer", "jit_compile", "run_eagerly", "steps_per_execution")
        self._compile_both(**{name: config[name] for name in names})

    def optimizer_of(self, network):
        """The optimizer that updates the generator or the discriminator."""
        return self.optimizer._optimizer_map(network.trainable_variables[0])

    def train_step(self, *args):
        if keras.backend.backend() == "tensorflow":
            return _tensorflow_train_step(self, *args)
        if keras.backend.backend() == "jax":
            return _jax_train_step(self, *args)
        raise RuntimeError(
            "A Translator is trained on Keras' TensorFlow or JAX backend. Received: "
            f"backend={keras.backend.backend()}"
        )

    def test_step(self, *args):
        if keras.backend.backend() != "jax":
            self._evaluate(*args)
            return self.get_metrics_result()
        state, data = args
        trainable, non_trainable, metrics = state
        variables = _Values(
            (self.trainable_variables, trainable),
            (self.non_trainable_variables, non_trainable),
            (self.metrics_variables, metrics),
        )
        with variables.scope() as scope:
            self._evaluate(data)
            logs = self.get_metrics_result()
        variables.update(scope)
        state = (
            trainable,
            variables.of(self.non_trainable_variables),
            variables.of(self.metrics_variables),
        )
        return logs, state

    def _evaluate(self, data):
        inputs, target, weight = keras.utils.unpack_x_y_sample_weight(data)
        outputs = self(inputs, training=False)
        terms = {}
        for player in ("discriminator", "generator"):
            terms.update(self.losses_for(player, inputs, target, outputs))
        self._log(terms, target, outputs, weight)

    def _log(self, terms, target, outputs, weight=None):
        """Updates the metrics; each example counts alike, or by its weight."""
        self._loss_tracker.update_state(sum(terms.values()), weight)
        for metric in self.terms:
            metric.update_state(terms[metric.name], weight)
        target = ops.cast(target, "float32")
        for key, metric in zip(self.output_keys, self.errors, strict=True):
            metric.update_state(ops.mean(ops.abs(outputs[key] - target), axis=(1, 2, 3)), weight)


def _loss(terms):
    return ops.mean(sum(terms.values()))


def _tensorflow_train_step(model, data):
    import tensorflow as tf

    inputs, target, _ = keras.utils.unpack_x_y_sample_weight(data)
    # Gradients are summed over the replicas, of which each has its share of the global batch.
    share = 1 / model.distribute_strategy.num_replicas_in_sync
    with tf.GradientTape() as tape:
        outputs = model(inputs, training=True)
        with tape.stop_recording():
            with tf.GradientTape() as discriminator_tape:
                terms = model.losses_for("discriminator", inputs, target, outputs)
                loss = share * _loss(terms)
            _apply(model, model.discriminator, discriminator_tape, loss)
        generator_terms = model.losses_for("generator", inputs, target, outputs)
        loss = share * _loss(generator_terms)
    _apply(model, model.generator, tape, loss)
    model.optimizer.iterations.assign_add(1)
    model._log({**terms, **generator_terms}, target, outputs)
    return model.get_metrics_result()


def _apply(model, network, tape, loss):
    variables = network.trainable_variables
    model.optimizer_of(network).apply(tape.gradient(loss, variables), variables)


def _jax_train_step(model, state, data):
    import jax

    inputs, target, _ = keras.utils.unpack_x_y_sample_weight(data)
    groups = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )
    variables = _Values(*zip(groups, state, strict=True))

    def forward(values):
        replaced = variables.replace(model.generator.trainable_variables, values)
        with replaced.scope() as scope:
            outputs = model(inputs, training=True)
        replaced.update(scope)
        return outputs, replaced.of(model.non_trainable_variables)

    def loss_of(player, network, values, outputs):
        with variables.replace(network.trainable_variables, values).scope():
            terms = model.losses_for(player, inputs, target, outputs)
            return _loss(terms), terms

    def apply(network, gradients):
        optimizer = model.optimizer_of(network)
        values, state = optimizer.stateless_apply(
            variables.of(optimizer.variables),
            gradients,
            variables.of(network.trainable_variables),
        )
        variables.set(network.trainable_variables, values)
        variables.set(optimizer.variables, state)

    values = variables.of(model.generator.trainable_variables)
    outputs, pull_back, non_trainable = jax.vjp(forward, values, has_aux=True)
    variables.set(model.non_trainable_variables, non_trainable)

    network = model.discriminator
    gradient = jax.grad(lambda v: loss_of("discriminator", network, v, outputs), has_aux=True)
    gradients, terms = gradient(variables.of(network.trainable_variables))
    apply(network, gradients)

    network = model.generator
    gradient = jax.grad(lambda v, y: loss_of("generator", network, v, y), (0, 1), has_aux=True)
    (direct, of_outputs), generator_terms = gradient(values, outputs)
    (through_outputs,) = pull_back(of_outputs)
    apply(network, [a + b for a, b in zip(direct, through_outputs, strict=True)])

    iterations = model.optimizer.iterations
    variables.set([iterations], [variables.of([iterations])[0] + 1])
    with variables.scope() as scope:
        model._log({**terms, **generator_terms}, target, outputs)
        logs = model.get_metrics_result()
    variables.update(scope)
    return logs, tuple(variables.of(group) for group in groups)


class _Values:
    """Values of variables outside of the variables, as JAX' pure functions need them."""

    def __init__(self, *groups):
        self._variables, self._values = {}, {}
        for variables, values in groups:
            self.set(variables, values)

    def set(self, variables, values):
        for variable, value in zip(variables, values, strict=True):
            self._variables[id(variable)] = variable
            self._values[id(variable)] = value

    def of(self, variables):
        return [self._values[id(variable)] for variable in variables]

    def replace(self, variables, values):
        """A copy with other values for some variables."""
        copy = _Values((self._variables.values(), self._values.values()))
        copy.set(variables, values)
        return copy

    def scope(self):
        """Inside, variables have these values and may be assigned to."""
        pairs = [(self._variables[key], value) for key, value in self._values.items()]
        return keras.StatelessScope(state_mapping=pairs)

    def update(self, scope):
        """Takes over what was assigned inside a scope."""
        for key, variable in self._variables.items():
            value = scope.get_current_value(variable)
            if value is not None:
                self._values[key] = value
