from keras_asym.models.adversarial_step import AdversarialStep
from keras_asym.models.stateless_values import StatelessValues


class JaxAdversarialStep(AdversarialStep):
    """Alternating training steps on the JAX backend: functions of the state, which they return."""

    def train_step(self, state, data):
        import jax

        inputs, target, weight = self._unpack(data)
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )
        variables = StatelessValues(*zip(groups, state, strict=True))

        def run(network, values, function):
            """What a function gives with other weights of a network, and the state it leaves."""
            replaced = variables.replace(network.trainable_variables, values)
            with replaced.scope() as scope:
                result = function()
            replaced.update(scope)
            return result, replaced.of(self.non_trainable_variables)

        def loss_of(player, network, values, outputs):
            def losses():
                terms = self.losses_for(player, inputs, target, outputs, training=True)
                return self._mean_of(terms, weight), terms

            (loss, terms), state = run(network, values, losses)
            return loss, (terms, state)

        def apply(network, gradients):
            for optimizer, positions in self.optimizers_of(network).items():
                updated = [network.trainable_variables[i] for i in positions]
                values, state = optimizer.stateless_apply(
                    variables.of(optimizer.variables),
                    [gradients[i] for i in positions],
                    variables.of(updated),
                )
                variables.set(updated, values)
                variables.set(optimizer.variables, state)

        generator, discriminator = self.generator, self.discriminator
        values = variables.of(generator.trainable_variables)
        outputs, pull_back, state = jax.vjp(
            lambda v: run(generator, v, lambda: self(inputs, training=True)), values, has_aux=True
        )
        variables.set(self.non_trainable_variables, state)

        gradient = jax.grad(
            lambda v: loss_of("discriminator", discriminator, v, outputs), has_aux=True
        )
        gradients, (terms, state) = gradient(variables.of(discriminator.trainable_variables))
        variables.set(self.non_trainable_variables, state)
        apply(discriminator, gradients)

        gradient = jax.grad(
            lambda v, y: loss_of("generator", generator, v, y), (0, 1), has_aux=True
        )
        (direct, of_outputs), (generator_terms, state) = gradient(values, outputs)
        variables.set(self.non_trainable_variables, state)
        (through_outputs,) = pull_back(of_outputs)
        apply(generator, [a + b for a, b in zip(direct, through_outputs, strict=True)])

        iterations = self.optimizer.iterations
        variables.set([iterations], [variables.of([iterations])[0] + 1])
        with variables.scope() as scope:
            self._log({**terms, **generator_terms}, inputs, target, outputs, weight)
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
