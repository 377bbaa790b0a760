import re

import keras
from keras import ops

from keras_asym.models.inputs import is_distributed


class AdversarialStep:
    """Mixin of `Translator`: what `fit` and `evaluate` do with a batch `(inputs, target)`.

    A step computes the generator's outputs, updates the discriminator on them, and then the
    generator against the *updated* discriminator. Here stands what all backends share;
    `TensorFlowAdversarialStep` and `JaxAdversarialStep` train. A model has the networks `generator`
    and `discriminator`, `losses_for`, the metrics `terms` and `errors`, and `output_keys`.
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
        raise RuntimeError(
            "A Translator is trained on Keras' TensorFlow or JAX backend. Received: "
            f"backend={keras.backend.backend()}"
        )

    def test_step(self, data):
        self._evaluate(data)
        return self.get_metrics_result()

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

    @staticmethod
    def _mean_of(terms):
        """The loss of a player: the mean over the examples of the sum of its terms."""
        return ops.mean(sum(terms.values()))
