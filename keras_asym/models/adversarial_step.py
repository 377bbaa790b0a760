import itertools
import re

import keras
from keras import ops

from keras_asym.keras_internals import loss_tracker, optimizer_of, sublayers
from keras_asym.models.ensembles import ensembles
from keras_asym.models.inputs import is_distributed, presence_of, present_outputs
from keras_asym.models.multi_optimizer import MultiOptimizer


class AdversarialStep:
    """Mixin of `Translator`: what `fit` and `evaluate` do with a batch `(inputs, target)`.

    A step computes the generator's outputs, updates the discriminator on them, and then the
    generator against the *updated* discriminator. A player without trainable variables is not
    updated. Here stands what all backends share; `TensorFlowAdversarialStep` and
    `JaxAdversarialStep` train. A model has the networks `generator` and `discriminator`,
    `losses_for`, the metrics `terms` and `errors`, and `output_keys`.
    """

    def compile_players(
        self,
        generator_optimizer,
        discriminator_optimizer,
        ensemble_optimizer,
        jit_compile,
        **kwargs,
    ):
        """Compiles with one optimizer for each player; they are saved with the model.

        `ensemble_optimizer` is that of the ensemble's weights, or `None` for the generator's.
        """
        given = (generator_optimizer, discriminator_optimizer, ensemble_optimizer)
        optimizers = [keras.optimizers.get(x) for x in given]
        if None in optimizers[:2]:
            raise ValueError(
                "`generator_optimizer` and `discriminator_optimizer` must be optimizers or their "
                f"names. Received: {generator_optimizer} and {discriminator_optimizer}; a player "
                "that is not to be trained has trainable=False"
            )
        for first, second in itertools.combinations(optimizers, 2):
            if first is second:
                raise ValueError(
                    "`generator_optimizer`, `discriminator_optimizer` and `ensemble_optimizer` "
                    "must be different objects, as each has a state of its own. Received: "
                    f"{first.name} twice; make another one with the same arguments"
                )
        if jit_compile == "auto" and is_distributed():
            jit_compile = False
        paths = [variable.path for variable in self.discriminator.trainable_variables]
        generator_paths = {variable.path for variable in self.generator.trainable_variables}
        if not paths and not generator_paths:
            raise ValueError(
                "The generator or the discriminator must be trainable. Received: trainable=False "
                "for both; set `generator.trainable` or `discriminator.trainable` before compile"
            )
        taken = generator_paths & set(paths)
        if taken:
            raise ValueError(
                "Layers of the generator and the discriminator must have different names. "
                f"Received: {sorted(taken)[0]} in both"
            )
        mixes = [v.path for layer in ensembles(self.generator) for v in layer.trainable_variables]
        others = {
            "|".join(map(re.escape, own)): optimizer
            for own, optimizer in zip((paths, mixes), optimizers[1:], strict=True)
            if own and optimizer is not None
        }
        optimizer = MultiOptimizer(keras.optimizers.OptimizerMap(optimizers[0], others))
        self._compile_all(optimizer, jit_compile=jit_compile, **kwargs)

    def _compile_all(self, optimizer, **kwargs):
        # A scaled loss would need a scale for each player: float16 is not offered for training.
        for layer in (self, *sublayers(self)):
            if layer.compute_dtype == "float16":
                raise ValueError(
                    "A Translator must not be trained in float16, whose gradients would need a "
                    "scaled loss; the dtype policy mixed_bfloat16 needs none. Received: layer "
                    f"'{layer.name}' with dtype policy {layer.dtype_policy.name}"
                )
        keras.Model.compile(self, optimizer=optimizer, auto_scale_loss=False, **kwargs)
        self.optimizer.build(self.trainable_variables)

    def compile_from_config(self, config):
        """Compiles the model as it was when saved, with the state of its optimizers to come."""
        config = keras.saving.deserialize_keras_object(config)
        names = ("optimizer", "jit_compile", "run_eagerly", "steps_per_execution")
        self._compile_all(**{name: config[name] for name in names})

    def optimizers_of(self, network):
        """The optimizers that update the generator or the discriminator.

        Returns:
            Dictionary of optimizer -> positions of its variables in `network.trainable_variables`.
        """
        positions = {}
        for position, variable in enumerate(network.trainable_variables):
            positions.setdefault(optimizer_of(self.optimizer, variable), []).append(position)
        return positions

    def train_step(self, *args):
        raise RuntimeError(
            "A Translator is trained on Keras' TensorFlow or JAX backend. Received: "
            f"backend={keras.backend.backend()}"
        )

    def test_step(self, data):
        self._evaluate(data)
        return self.get_metrics_result()

    def _evaluate(self, data):
        inputs, target, weight = self._unpack(data)
        outputs = self(inputs, training=False)
        terms = {}
        for player in ("discriminator", "generator"):
            terms.update(self.losses_for(player, inputs, target, outputs))
        self._log(terms, inputs, target, outputs, weight)

    @staticmethod
    def _unpack(data):
        """Inputs, target and the examples' weights (or `None`) of a batch."""
        inputs, target, weight = keras.utils.unpack_x_y_sample_weight(data)
        if weight is not None and len(getattr(weight, "shape", ())) != 1:
            raise ValueError(
                "`sample_weight` must hold one number for each example, (batch,). Received: "
                f"{tuple(weight.shape) if hasattr(weight, 'shape') else type(weight).__name__}"
            )
        return inputs, target, weight

    def _log(self, terms, inputs, target, outputs, weight):
        """Updates the metrics; each example counts alike, or by its weight.

        The error of a branch is the mean over the examples that have its modality.
        """
        loss_tracker(self).update_state(sum(terms.values()), weight)
        for metric in self.terms:
            metric.update_state(terms[metric.name], weight)
        counts = present_outputs(presence_of(inputs, self.modality_names), self.modality_names)
        for key, metric in zip(self.output_keys, self.errors, strict=True):
            error, share = self.error_of(outputs[key], target), weight
            if counts[key] is not None:
                share = ops.cast(counts[key], error.dtype)
                share = share if weight is None else share * ops.cast(weight, error.dtype)
            metric.update_state(error, share)

    @staticmethod
    def _mean_of(terms, weight):
        """The loss of a player: the mean over the examples of the sum of its terms.

        An example's terms are multiplied by its weight; what is divided by stays the number of
        examples, as in Keras. Penalties on the network's weights belong to no example.
        """
        terms = dict(terms)
        penalties = terms.pop("sparsity_loss", 0.0)
        values = sum(terms.values())
        if weight is not None:
            values = values * ops.cast(weight, values.dtype)
        return ops.mean(values + penalties)
