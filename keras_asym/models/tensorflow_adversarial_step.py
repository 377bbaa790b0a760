from keras_asym.models.adversarial_step import AdversarialStep


class TensorFlowAdversarialStep(AdversarialStep):
    """Alternating training steps on the TensorFlow backend, under its strategies, too."""

    def train_step(self, data):
        import tensorflow as tf

        inputs, target, weight = self._unpack(data)
        # Gradients are summed over the replicas, of which each has its share of the global batch.
        share = 1 / self.distribute_strategy.num_replicas_in_sync
        with tf.GradientTape() as tape:
            outputs = self(inputs, training=True)
            with tape.stop_recording():
                with tf.GradientTape() as discriminator_tape:
                    terms = self.losses_for("discriminator", inputs, target, outputs, training=True)
                    loss = share * self._mean_of(terms, weight)
                self._apply(self.discriminator, discriminator_tape, loss)
            generator_terms = self.losses_for("generator", inputs, target, outputs, training=True)
            loss = share * self._mean_of(generator_terms, weight)
        self._apply(self.generator, tape, loss)
        self.optimizer.iterations.assign_add(1)
        self._log({**terms, **generator_terms}, inputs, target, outputs, weight)
        return self.get_metrics_result()

    def _apply(self, network, tape, loss):
        variables = network.trainable_variables
        gradients = tape.gradient(loss, variables)
        for optimizer, positions in self.optimizers_of(network).items():
            optimizer.apply([gradients[i] for i in positions], [variables[i] for i in positions])
