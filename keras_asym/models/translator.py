import keras
from keras import ops

from keras_asym.fusion import (
    CANDIDATE,
    condition_on_modalities,
    modality_names,
    select_modalities,
    to_multimodal,
)
from keras_asym.layers import PersistentDropout
from keras_asym.models.adversarial_step import AdversarialStep
from keras_asym.models.ensembles import ensembles
from keras_asym.models.inputs import (
    at_least_float32,
    check_images,
    output_keys,
    presence_of,
    present_outputs,
    same_where_known,
    without_absent,
)
from keras_asym.models.jax_adversarial_step import JaxAdversarialStep
from keras_asym.models.multimodal_model import MultimodalModel
from keras_asym.models.tensorflow_adversarial_step import TensorFlowAdversarialStep
from keras_asym.ops import fold

LOSS_TERMS = ("discriminator_loss", "adversarial_loss", "reconstruction_loss", "sparsity_loss")
_STEPS = {"tensorflow": TensorFlowAdversarialStep, "jax": JaxAdversarialStep}
_Step = _STEPS.get(keras.backend.backend(), AdversarialStep)


@keras.saving.register_keras_serializable(package="keras_asym")
class Translator(_Step, MultimodalModel):
    """Translation of several aligned images to one by a shared network (pix2pix).

    Trained by alternating steps of the discriminator and the generator. The discriminator's loss is
    the mean of the cross-entropies on real and generated images, summed over the branches; the
    generator's is the cross-entropy summed over the branches, `l1_weight` times the mean absolute
    error summed over the branches and the ensemble, and the penalties on its weights, such as the
    sparsity of gamma. The discriminator never sees the ensemble (CEN,
    [arXiv 2011.05005](https://arxiv.org/abs/2011.05005)). A generator that merges the modalities
    has one output, which the discriminator sees beside each modality.

    Args:
        generator: Plain functional model from one image to one in [-1, 1], such as
            `UNetGenerator`; or, with `modalities=None`, one that `to_multimodal(...,
            ensemble=True)` has made.
        discriminator: Model from an input image, with the target behind it in the channels, to
            logits, such as `PatchDiscriminator`; or, with `modalities=None`, one that
            `condition_on_modalities` has made. `None` for a model that is not trained any more.
        modalities: Dictionary of modality name -> number of channels, or a list of names with as
            many channels as the generator takes.
        fusion: Fusion strategy; `PrivateNormalization` by default.
        l1_weight: Weight of the absolute error, 100 in the papers.
        instance_statistics: Whether instance normalizations use the instance's statistics at test
            time, too, as in the papers; moving averages otherwise.
        dropout_at_test: Whether the generator's dropout stays on at test time, as in the papers;
            `None` keeps what its `PersistentDropout` layers say. Can be changed later.
        preprocessor: `keras_asym.models.SensorPreprocessor`, by which the model takes raw images;
            `None` for one that takes images in [-1, 1]. Targets are in [-1, 1] with either.

    Call arguments:
        inputs: Dictionary of images in [-1, 1] by modality name, and `"present"`, which may be left
            out: booleans `(batch, modalities)`, which of them each example has. What an example
            lacks plays no part in its other branches and its ensemble, whatever its image holds;
            that branch's image means nothing and counts in no loss and no figure. The
            discriminator sees zeros instead. More keys are ignored.
        training: Whether dropout is on and moving averages are updated.

    Input shape:
        `(batch, height, width, channels)` for each modality.

    Output shape:
        Dictionary of images `(batch, height, width, output_channels)` in [-1, 1] by modality name,
        and `"ensemble"`; the latter alone if `fusion` merges the modalities.

    Raises:
        ValueError: If a modality is missing from the inputs or has another number of channels than
            declared, if sizes differ or are not divisible by the generator's stride; if
            `modalities` is `None` and the networks are not multimodal, or a setting of
            `to_multimodal` is given for networks that are.

    Example:

    >>> generator = keras_asym.networks.UNetGenerator(filters=4, depth=4)
    >>> discriminator = keras_asym.networks.PatchDiscriminator(filters=4)
    >>> model = keras_asym.models.Translator(
    ...     generator, discriminator, {"depth": 1, "normal": 3})
    >>> model.compile(keras.optimizers.Adam(2e-4, 0.5), keras.optimizers.Adam(2e-4, 0.5))
    >>> x = {"depth": np.zeros((1, 32, 32, 1)), "normal": np.zeros((1, 32, 32, 3))}
    >>> sorted(model(x))
    ['depth', 'ensemble', 'normal']
    """

    NETWORK = "generator"
    OF_TRAINING = (("discriminator", None),)

    def __init__(
        self,
        generator,
        discriminator,
        modalities=None,
        fusion=None,
        l1_weight=100.0,
        instance_statistics=True,
        dropout_at_test=None,
        preprocessor=None,
        name="translator",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        if modalities is not None:
            specs = modalities
            if isinstance(specs, list | tuple):
                specs = dict.fromkeys(modalities, generator.inputs[0].shape[-1])
            generator = to_multimodal(
                generator,
                specs,
                fusion,
                instance_statistics=instance_statistics,
                ensemble=True,
            )
            channels = generator.output["ensemble"].shape[-1]
            if discriminator is not None:
                discriminator = condition_on_modalities(discriminator, specs, channels)
        else:
            _check_multimodal(generator, discriminator, fusion, instance_statistics)
        self.generator = generator
        self.discriminator = discriminator
        self.l1_weight = l1_weight
        self.modality_names = tuple(modality_names(generator))
        self.set_preprocessor(preprocessor)
        self.output_keys = output_keys(generator, self.modality_names)
        self._fitting_sizes = set()
        self._dropouts = [x for x in generator.layers if isinstance(x, PersistentDropout)]
        if dropout_at_test is not None:
            self.dropout_at_test = dropout_at_test
        self.terms = [keras.metrics.Mean(name=name) for name in LOSS_TERMS]
        self.errors = [keras.metrics.Mean(name=f"{key}_mae") for key in self.output_keys]
        self.built = True

    @property
    def network(self):
        """The generator: what weights are read into and what is exported."""
        return self.generator

    @property
    def dropout_at_test(self):
        """Whether the generator's dropout stays on at test time."""
        return any(layer.at_test for layer in self._dropouts)

    @dropout_at_test.setter
    def dropout_at_test(self, value):
        for layer in self._dropouts:
            layer.at_test = bool(value)
        self.test_function = self.predict_function = None  # they were traced with the old value

    def call(self, inputs, training=None):
        presence = presence_of(inputs, self.modality_names)
        images = without_absent(self._check_inputs(inputs), presence)
        outputs = self.generator(images, training=training, presence=presence)
        return {key: at_least_float32(outputs[key]) for key in self.output_keys}

    def losses_for(self, player, inputs, target, outputs, training=False):
        """Terms of the loss of one player; a function of the weights and its arguments.

        Args:
            player: `"discriminator"` or `"generator"`.
            inputs: Dictionary of images by modality name.
            target: Images `(batch, height, width, output_channels)` in [-1, 1].
            outputs: What `call` gave for the inputs.
            training: Whether the discriminator's dropout and batch statistics are on. Only then
                its state changes, at every decision.

        Returns:
            Dictionary from the name of a term to its value for each example, `(batch,)`. The
            player's loss is the mean over the examples of their sum.

        Raises:
            ValueError: If the target is not one image of the size of the inputs and with the
                generator's output channels.
        """
        inputs = self._prepared(inputs)
        self._check_target(target, inputs)
        names = self.modality_names
        presence = presence_of(inputs, names)
        images = {name: ops.convert_to_tensor(inputs[name]) for name in names}
        images = without_absent(images, presence)
        if names[0] in outputs:
            generated = fold([outputs[name] for name in names])
        else:  # beside each of the modalities that were merged
            generated = ops.repeat(outputs["ensemble"], len(names), axis=0)
        if player == "discriminator":
            target = ops.repeat(ops.cast(target, generated.dtype), len(names), axis=0)
            real = self._decide(images, target, 1.0, presence, training)
            fake = self._decide(images, ops.stop_gradient(generated), 0.0, presence, training)
            return {"discriminator_loss": 0.5 * (real + fake)}
        # With one modality the ensemble is the branch: it has no error of its own.
        keys = self.output_keys if len(names) > 1 else self.output_keys[:1]
        counts = present_outputs(presence, names)
        errors = sum(_where(counts[key], self.error_of(outputs[key], target)) for key in keys)
        penalties = sum(ops.cast(penalty, errors.dtype) for penalty in self.generator.losses)
        return {
            "adversarial_loss": self._decide(images, generated, 1.0, presence, training),
            "reconstruction_loss": self.l1_weight * errors,
            "sparsity_loss": ops.zeros_like(errors) + penalties,
        }

    @staticmethod
    def error_of(output, target):
        """Mean absolute error of each example, `(batch,)`."""
        return ops.mean(ops.abs(output - ops.cast(target, output.dtype)), axis=(1, 2, 3))

    def _decide(self, images, candidate, truth, presence, training):
        """Cross-entropy of the decisions on a folded candidate, summed over the branches."""
        pairs = {**images, CANDIDATE: candidate}
        logits = self.discriminator(pairs, training=training, presence=presence)
        logits = at_least_float32(logits)
        # -log(sigmoid) and -log(1 - sigmoid) of the logits, without the overflow of either.
        values = ops.mean(ops.softplus(logits) - truth * logits, axis=(1, 2, 3))
        values = ops.reshape(values, (-1, len(self.modality_names)))
        return ops.sum(_where(presence, values), axis=1)

    def _check_target(self, target, inputs):
        size = inputs[self.modality_names[0]].shape[:3]
        expected = (*size, self.generator.output["ensemble"].shape[-1])
        shape = getattr(target, "shape", None)
        if shape is None or not same_where_known(shape, expected):
            received = type(target).__name__ if shape is None else tuple(shape)
            raise ValueError(
                "The target must be one image (batch, height, width, channels) of the inputs' size "
                f"and with the generator's output channels, {expected}; it serves all outputs. "
                f"Received: {received}"
            )

    def compile(
        self,
        generator_optimizer,
        discriminator_optimizer,
        jit_compile="auto",
        run_eagerly=False,
        steps_per_execution=1,
        ensemble_optimizer=None,
        **kwargs,
    ):
        """Configures training. A network with `trainable=False` is not updated.

        Args:
            generator_optimizer: Optimizer, or its name in Keras; the papers' is Adam(2e-4,
                beta_1=0.5).
            discriminator_optimizer: Another optimizer object, or a name.
            jit_compile: As in Keras; never `True` by itself under a distribution strategy.
            run_eagerly: As in Keras.
            steps_per_execution: As in Keras.
            ensemble_optimizer: Of the weights of the branches in the ensemble, one with a higher
                learning rate where the training is too short for them; `None` for the generator's,
                as in the papers. Without an ensemble it has nothing to do.
            **kwargs: None; the losses and metrics of a Translator are its own.

        Raises:
            ValueError: If the model has no discriminator, its layers have names of the
                generator's, neither network is trainable, the optimizers are one object, a layer
                computes in float16, or there are more arguments.
        """
        if kwargs:
            raise ValueError(
                "`compile` of a Translator takes its optimizers, jit_compile, run_eagerly and "
                "steps_per_execution. Its losses and metrics are fixed: `l1_weight` weighs the "
                "terms; for other losses make a subclass with its own `losses_for`. Received: "
                f"{sorted(kwargs)}"
            )
        if self.discriminator is None:
            raise ValueError(
                "A Translator without a discriminator cannot be trained. Received: "
                "discriminator=None; train the model that `select` was called on"
            )
        self.compile_players(
            generator_optimizer,
            discriminator_optimizer,
            ensemble_optimizer,
            jit_compile,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
        )

    def select(self, names):
        """A Translator on a subset of the modalities that shares every weight of the generator.

        Args:
            names: List of modality names, at least one.
        """
        return Translator(
            select_modalities(self.generator, names),
            None,
            l1_weight=self.l1_weight,
            preprocessor=self.preprocessor and self.preprocessor.select(names),
            name=f"{self.name}_{'_'.join(names)}",
            dtype=self.dtype_policy,
        )

    def _check_inputs(self, inputs):
        inputs = check_images(self._prepared(inputs), self.generator, self.modality_names)
        height, width = inputs[self.modality_names[0]].shape[1:3]
        if None not in (height, width) and (height, width) not in self._fitting_sizes:
            _check_size(self.generator, height, width)
            self._fitting_sizes.add((height, width))
        return inputs

    def get_config(self):
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "l1_weight": self.l1_weight,
        }


def _where(counts, values):
    """The values that count, 0 elsewhere; all of them where `counts` is `None`."""
    return values if counts is None else ops.where(counts, values, ops.zeros_like(values))


def _check_size(generator, height, width):
    """Raises `ValueError` if the generator does not give images of the size that it gets."""
    shapes = {name: (1, height, width, x.shape[-1]) for name, x in generator.input.items()}
    try:
        result = generator.compute_output_shape(shapes)["ensemble"][1:3]
    except ValueError:
        result = "features that do not fit one another"
    if result != (height, width):
        raise ValueError(
            "Height and width must be multiples of the generator's stride (2**depth for "
            "UNetGenerator): resize or crop the images, or build a generator with fewer blocks. "
            f"Received: images of {height}x{width}, of which '{generator.name}' makes {result}"
        )


def _check_multimodal(generator, discriminator, fusion, instance_statistics):
    outputs = getattr(generator, "output", None)
    if not isinstance(outputs, dict) or "ensemble" not in outputs:
        raise ValueError(
            '`modalities` must be given, such as {"depth": 1, "normal": 3}, unless `generator` is '
            "multimodal with an ensemble. Received: modalities=None, generator="
            f"{getattr(generator, 'name', generator)}"
        )
    if discriminator is not None and CANDIDATE not in (getattr(discriminator, "input", None) or {}):
        raise ValueError(
            "`discriminator` must be made by condition_on_modalities when `generator` is "
            f"multimodal already. Received: discriminator={getattr(discriminator, 'name', '')}"
        )
    mixes = ensembles(generator)
    if any(layer.kind != "global" for layer in mixes):
        raise ValueError(
            '`generator` must have an ensemble with weights="global", as the others are made from '
            "logits and its outputs are images: to_multimodal(..., ensemble=True). Received: "
            f"ensemble={mixes[0].kind!r}"
        )
    if fusion is not None or not instance_statistics:
        raise ValueError(
            "`fusion` and `instance_statistics` must be given to to_multimodal when `generator` is "
            f"multimodal already. Received: modalities=None, fusion={fusion}, "
            f"instance_statistics={instance_statistics}"
        )
