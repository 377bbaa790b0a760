import keras

from keras_asym.models.adversarial_step import AdversarialStep
from keras_asym.models.stateless_values import StatelessValues


class JaxAdversarialStep(AdversarialStep):
    """Alternating training steps on the JAX backend: functions of the state, which they return."""

    def train_step(self, state, data):
        import jax

        inputs, target, _ = keras.utils.unpack_x_y_sample_weight(data)
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )
        variables = StatelessValues(*zip(groups, state, strict=True))

        def forward(values):
            replaced = variables.replace(self.generator.trainable_variables, values)
            with replaced.scope() as scope:
                outputs = self(inputs, training=True)
            replaced.update(scope)
            return outputs, replaced.of(self.non_trainable_variables)

        def loss_of(player, network, values, outputs):
            with variables.replace(network.trainable_variables, values).scope():
                terms = self.losses_for(player, inputs, target, outputs)
                return self._mean_of(terms), terms

        def apply(network, gradients):
            optimizer = self.optimizer_of(network)
            values, state = optimizer.stateless_apply(
                variables.of(optimizer.variables),
                gradients,
                variables.of(network.trainable_variables),
            )
            variables.set(network.trainable_variables, values)
            variables.set(optimizer.variables, state)

        values = variables.of(self.generator.trainable_variables)
        outputs, pull_back, non_trainable = jax.vjp(forward, values, has_aux=True)
        variables.set(self.non_trainable_variables, non_trainable)

        network = self.discriminator
        gradient = jax.grad(lambda v: loss_of("discriminator", network, v, outputs), has_aux=True)
        gradients, terms = gradient(variables.of(network.trainable_variables))
        apply(network, gradients)

        network = self.generator
        gradient = jax.grad(lambda v, y: loss_of("generator", network, v, y), (0, 1), has_aux=True)
        (direct, of_outputs), generator_terms = gradient(values, outputs)
        (through_outputs,) = pull_back(of_outputs)
        apply(network, [a + b for a, b in zip(direct, through_outputs, strict=True)])

        iterations = self.optimizer.iterations
        variables.set([iterations], [variables.of([iterations])[0] + 1])
        with variables.scope() as scope:
            self._log({**terms, **generator_terms}, target, outputs)
            logs = self.get_metrics_result()
        variables.update(scope)
        return logs, tuple(variables.of(group) for group in groups)

    def test_step(self, state, data):
        trainable, non_trainable, metrics = state
        variables = StatelessValues(
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
