import keras
import numpy as np
from keras import ops

from keras_asym.fusion import modality_names, select_modalities, to_multimodal
from keras_asym.keras_internals import compiled_losses_and_metrics, loss_of_one_output
from keras_asym.layers.modality_ensemble import KINDS
from keras_asym.losses import ValidPixelCrossentropy, check_mask
from keras_asym.metrics import ConfusionMatrix
from keras_asym.models.auxiliary import (
    auxiliary_keys,
    check_auxiliary,
    split_outputs,
    without_auxiliary,
)
from keras_asym.models.checkpointing import checkpointed
from keras_asym.models.convolution_gradients import faster_gradients
from keras_asym.models.distillation import TEACHER, check_distillation, distillation_loss
from keras_asym.models.inputs import (
    at_least_float32,
    check_images,
    is_distributed,
    output_keys,
    presence_of,
    present_outputs,
    without_absent,
)
from keras_asym.models.logits import check_loss, gives_probabilities
from keras_asym.models.modality_dropout import (
    ModalityDropout,
    ensemble_of,
    meets_in_ensemble_alone,
)
from keras_asym.models.multimodal_model import MultimodalModel
from keras_asym.ops import resize_bicubic, resize_bilinear


@keras.saving.register_keras_serializable(package="keras_asym")
class Segmenter(MultimodalModel):
    """Semantic segmentation from several aligned images by one shared network.

    One mask serves all outputs. The training loss is the sum over the branches and the ensemble of
    the cross-entropy, divided by the number of valid pixels of the global batch; metrics are kept
    for each output and count every valid pixel alike, whatever `sample_weight` says (CEN,
    [arXiv 2011.05005](https://arxiv.org/abs/2011.05005); AsymFusion,
    [arXiv 2108.05009](https://arxiv.org/abs/2108.05009)).

    Args:
        network: Plain functional model from one image to logits of any resolution, such as
            `RefineNet`; or, with `modalities=None`, one that `to_multimodal(..., ensemble=True)`
            has made. A network with auxiliary outputs gives a list, `[logits, auxiliary_1,
            auxiliary_2, ...]`.
        modalities: Dictionary of modality name -> number of channels.
        fusion: Fusion strategy; `PrivateNormalization` by default.
        freeze_statistics: Whether the moving statistics of the norms are kept and used in
            training too, while gamma and beta learn (the papers' setting).
        synchronized: Whether batch statistics are taken over all replicas; `None` keeps each
            layer's own setting.
        ignore_class: The void label.
        evaluation_resize: `"bilinear"`, or `"bicubic"` as in the published evaluation: how logits
            are resized to the input's size outside training (always bilinear in training).
        auxiliary_weights: One weight for each auxiliary output. In training the same loss of each
            one, times its weight, is added for each branch; the ensemble mixes the logits alone.
            Nothing but training computes auxiliary outputs.
        ensemble: What the weights of the branches in the ensemble depend on: `"global"` (the
            papers'), `"class"` or `"pixel"`; see `ModalityEnsemble`.
        stems: How images of another kind come to a network with ImageNet weights, by modality name:
            `"repeat"`, `"normals"`, `"fresh"` or a layer; see `to_multimodal`.
        modality_dropout: Probability that an example lacks a modality in training: a number, one
            for each modality, or `"uniform"`, by which all subsets but the empty one are equally
            likely. Each example keeps one of those that it has (ModDrop,
            [arXiv 1501.00102](https://arxiv.org/abs/1501.00102)). Where modalities meet in the
            ensemble alone, as with `UnsharedNetworks`, and without `distillation`, it is the
            ensemble's loss that lacks them: what a branch learns from does not depend on others.
        distillation: Weight of a loss that pulls the branches of an example that has lost a
            modality by `modality_dropout` towards the ensemble of all that it has: the Kullback-
            Leibler divergence at the valid pixels, beside each branch's cross-entropy (Hinton et
            al., [arXiv 1503.02531](https://arxiv.org/abs/1503.02531)). 0 for none; else training
            takes a forward pass more.
        distillation_temperature: By which both logits are divided in it; its square multiplies the
            loss, so that the weight means the same at all temperatures.
        checkpoint_gradients: Whether training keeps little of each block for the backward pass,
            which runs the blocks a second time: the same results with less memory, in more
            time (Chen et al., [arXiv 1604.06174](https://arxiv.org/abs/1604.06174)). Not
            with a strategy whose layers add losses, such as token exchange.
        preprocessor: `keras_asym.models.SensorPreprocessor`, by which the model takes raw images;
            `None` for one that takes the network's inputs.

    Call arguments:
        inputs: Dictionary of images by modality name, and `"present"`, which may be left out:
            booleans `(batch, modalities)`, which of them each example has. What an example lacks
            plays no part in its other branches and its ensemble, whatever its image holds; that
            branch's logits mean nothing and count in no loss and no figure. More keys are ignored.
        training: Whether dropout and batch statistics are on.

    Input shape:
        `(batch, height, width, channels)` for each modality.

    Output shape:
        Dictionary of logits `(batch, height, width, num_classes)` by modality name, and
        `"ensemble"`; the latter alone if `fusion` merges the modalities. In training also the
        auxiliary outputs, as `"rgb/auxiliary_1"`, with `modality_dropout` which modalities each
        example's branches were left with, as `"present"`, and with `distillation` the logits that
        its branches are to come near to, as `"ensemble/teacher"`.

    Attributes:
        network: The multimodal network without what only auxiliary outputs need.
        training_network: The one with them; the same network where there are none.

    Raises:
        ValueError: If a modality is missing from the inputs, has another number of channels than
            declared or another size than the first one; if `modalities` is `None` and `network`
            is not multimodal; if there are not as many `auxiliary_weights` as auxiliary outputs;
            if there is `distillation` without `modality_dropout`.

    Example:

    >>> network = keras_asym.networks.RefineNet("resnet18", 5, "light", (32, 32, 32, 32))
    >>> model = keras_asym.models.Segmenter(
    ...     network, {"rgb": 3, "depth": 1}, keras_asym.fusion.ChannelExchanging())
    >>> model.compile("sgd")
    >>> x = {"rgb": np.zeros((1, 64, 64, 3)), "depth": np.zeros((1, 64, 64, 1))}
    >>> sorted(model(x))
    ['depth', 'ensemble', 'rgb']
    """

    OF_TRAINING = (("auxiliary_weights", ()),)

    def __init__(
        self,
        network,
        modalities=None,
        fusion=None,
        freeze_statistics=False,
        synchronized=None,
        ignore_class=255,
        evaluation_resize="bilinear",
        auxiliary_weights=(),
        ensemble="global",
        stems=None,
        modality_dropout=0.0,
        distillation=0.0,
        distillation_temperature=2.0,
        checkpoint_gradients=False,
        preprocessor=None,
        name="segmenter",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        if evaluation_resize not in ("bilinear", "bicubic"):
            raise ValueError(
                '`evaluation_resize` must be "bilinear" or "bicubic". '
                f"Received: evaluation_resize={evaluation_resize!r}"
            )
        if ensemble not in KINDS:
            raise ValueError(f"`ensemble` must be one of {KINDS}. Received: ensemble={ensemble!r}")
        if modalities is not None:
            network = to_multimodal(
                network,
                modalities,
                fusion,
                freeze_statistics,
                synchronized,
                ensemble=ensemble,
                stems=stems,
            )
        else:
            _check_multimodal(network, fusion, freeze_statistics, synchronized, ensemble, stems)
        self.auxiliary_weights = check_auxiliary(auxiliary_weights, network)
        self.network = without_auxiliary(network)
        self.training_network = network
        self.checkpoint_gradients = checkpoint_gradients
        self._in_training = checkpointed(network) if checkpoint_gradients else network.__call__
        self._loss_of_each = {}  # of the auxiliary outputs, by the branch; `compile` gives them
        self.ignore_class = ignore_class
        self.evaluation_resize = evaluation_resize
        self.modality_names = tuple(modality_names(network))
        self.set_preprocessor(preprocessor)
        self.modality_dropout, self._drops_of_ensemble = None, False
        if modality_dropout:
            self.modality_dropout = ModalityDropout(len(self.modality_names), modality_dropout)
            self._drops_of_ensemble = not distillation and meets_in_ensemble_alone(network)
        self.num_classes = self.network.output["ensemble"].shape[-1]
        # With one modality the ensemble is the branch: it has no loss of its own.
        self.output_keys = output_keys(self.network, self.modality_names)
        one_branch = len(self.output_keys) == 2
        self.loss_keys = self.output_keys[:1] if one_branch else self.output_keys
        self.distillation, self.distillation_temperature = check_distillation(
            distillation,
            distillation_temperature,
            modality_dropout,
            gives_probabilities(self.network, self.loss_keys[0]),
        )
        self.confusion = [
            ConfusionMatrix(self.num_classes, ignore_class, name=key) for key in self.output_keys
        ]
        self.built = True

    def call(self, inputs, training=None):
        presence = presence_of(inputs, self.modality_names)
        images = check_images(self._prepared(inputs), self.network, self.modality_names)
        size = ops.shape(images[self.modality_names[0]])[1:3]
        if training and self.modality_dropout is not None:
            return self._with_dropout(images, presence, size)
        return self._resized(self._forward(images, presence, training), size, training)

    def _with_dropout(self, images, presence, size):
        """What a training step sees: beside the outputs, what loss and metrics must know."""
        there = presence
        if there is None:
            shape = (ops.shape(images[self.modality_names[0]])[0], len(self.modality_names))
            there = ops.ones(shape, "bool")
        beside = {}
        if self.distillation:
            beside[TEACHER] = self._teacher(images, there, size)
        left = self.modality_dropout(there, training=True)
        if self._drops_of_ensemble:
            outputs = self._forward(images, presence, training=True)
            branches = [split_outputs(outputs[name])[0] for name in self.modality_names]
            mixed = ensemble_of(self.training_network, branches, left)
            outputs = {**outputs, "ensemble": mixed}
        else:
            presence = left
            outputs = self._forward(images, presence, training=True)
        if presence is not None:
            beside["present"] = presence
        return {**self._resized(outputs, size, training=True), **beside}

    def _forward(self, images, presence, training):
        images = without_absent(images, presence)
        if not training:
            return self.network(images, training=training, presence=presence)
        with faster_gradients(self.training_network):
            return self._in_training(images, training=training, presence=presence)

    def _resized(self, outputs, size, training):
        """Logits of each output and its auxiliary ones, at the size of the images."""
        bicubic = self.evaluation_resize == "bicubic" and not training
        resize = resize_bicubic if bicubic else resize_bilinear
        resized = {}
        for key in self.loss_keys:
            logits, auxiliary = split_outputs(outputs[key])
            keys = [key, *auxiliary_keys(key, len(auxiliary))]
            for each, x in zip(keys, [logits, *auxiliary], strict=True):
                resized[each] = resize(at_least_float32(x), size)
        resized.setdefault("ensemble", resized[self.loss_keys[0]])
        return resized

    def _teacher(self, images, presence, size):
        """What the ensemble says of all that each example has, as it does at test time."""
        images = without_absent(images, presence)
        logits = self.network(images, training=False, presence=presence)["ensemble"]
        return ops.stop_gradient(resize_bilinear(at_least_float32(logits), size))

    def compile(self, optimizer="rmsprop", loss=None, jit_compile="auto", **kwargs):
        """Configures training; see `keras.Model.compile`.

        Args:
            optimizer: An optimizer.
            loss: Loss of one output; `ValidPixelCrossentropy` by default, here also with
                `class_weights`, `focal_gamma` or `dice_weight`. It is applied to every output and
                summed. It must leave the void label out, which also stands where an example lacks a
                modality.
            jit_compile: As in Keras; never `True` by itself under a distribution strategy.
            **kwargs: As in Keras; `metrics` beyond the confusion matrices by output, such as
                `{"ensemble": [...]}`.

        Raises:
            ValueError: If class weights are not as many as the classes; if the loss is for logits
                and the network ends in a softmax or sigmoid, or the reverse.
        """
        if jit_compile == "auto" and is_distributed():
            jit_compile = False
        loss = ValidPixelCrossentropy(self.ignore_class) if loss is None else loss
        for each in keras.tree.flatten(loss):
            if isinstance(each, ValidPixelCrossentropy):
                each.check_classes(self.num_classes)
            check_loss(each, self.training_network, self.loss_keys[0])
        if not isinstance(loss, dict):
            loss = {key: loss for key in self.loss_keys}
        super().compile(optimizer=optimizer, loss=loss, jit_compile=jit_compile, **kwargs)
        self._loss_of_each = {
            key: loss_of_one_output(self, each) for key, each in loss.items() if each is not None
        }

    def make_train_function(self, force=False):
        self._build_losses_and_metrics()
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        return super().make_train_function(force)

    def make_test_function(self, force=False):
        self._build_losses_and_metrics()
        return super().make_test_function(force)

    def _build_losses_and_metrics(self):
        """Gives the losses and metrics of `compile` their variables.

        Keras creates them in the first step. TensorFlow builds the graph of a step in which new
        variables appear a second time, which takes as long as the first.
        """
        mask = np.zeros((1, 1, 1), "int32")
        logits = np.zeros((1, 1, 1, self.num_classes), "float32")
        keys_of_each = self.loss_keys, self.output_keys
        for part, keys in zip(compiled_losses_and_metrics(self), keys_of_each, strict=True):
            if part is not None and not part.built:
                part.build({key: mask for key in keys}, {key: logits for key in keys})

    def compile_from_config(self, config):
        """Compiles the model as it was when saved, with the state of its optimizer to come."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        check_mask(y, y_pred["ensemble"].shape)
        masks = self._masks(x, y, y_pred)
        targets = {key: masks[key] for key in self.loss_keys}
        outputs = {key: y_pred[key] for key in self.loss_keys}
        weights = None if sample_weight is None else {key: sample_weight for key in targets}
        total = super().compute_loss(x, targets, outputs, weights, training)
        for key, loss in self._loss_of_each.items():
            names = auxiliary_keys(key, len(self.auxiliary_weights))
            for name, weight in zip(names, self.auxiliary_weights, strict=True):
                if name in y_pred:  # in training, and not of the ensemble
                    total = total + weight * loss(masks[key], y_pred[name], sample_weight)
        if TEACHER in y_pred:  # in training
            total = total + self.distillation * self._divergence(x, masks, y_pred, sample_weight)
        return total

    def _divergence(self, x, masks, y_pred, sample_weight):
        """Of all branches from the teacher, where an example has lost a modality."""
        lost, had = ops.logical_not(y_pred["present"]), presence_of(x, self.modality_names)
        taught = ops.any(lost if had is None else lost & had, axis=1)
        branches = [key for key in self.loss_keys if key != "ensemble"] or self.loss_keys
        settings = taught, self.distillation_temperature, self.ignore_class, sample_weight
        return sum(
            distillation_loss(masks[key], y_pred[key], y_pred[TEACHER], *settings)
            for key in branches
        )

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        masks = self._masks(x, y, y_pred)
        for metric in self.confusion:
            metric.update_state(masks[metric.name], y_pred[metric.name])
        outputs = {key: y_pred[key] for key in self.output_keys}
        weights = None if sample_weight is None else {key: sample_weight for key in masks}
        return super().compute_metrics(x, masks, outputs, weights)

    def _masks(self, x, y, y_pred):
        """The mask of each output: void where an example lacks what the output is of."""
        presence = y_pred.get("present")
        if presence is None:
            presence = presence_of(x, self.modality_names)
        if presence is None:
            return dict.fromkeys(self.output_keys, y)
        y = ops.convert_to_tensor(y)
        y = ops.cast(y, keras.backend.result_type(y.dtype, "int32"))  # may hold any void label
        void = ops.cast(self.ignore_class, y.dtype)
        ones = (1,) * (len(y.shape) - 1)
        return {
            key: ops.where(ops.reshape(counts, (-1, *ones)), y, void)
            for key, counts in present_outputs(presence, self.modality_names).items()
        }

    def select(self, names):
        """A Segmenter on a subset of the modalities that shares every weight with this one.

        It has no auxiliary outputs.

        Args:
            names: List of modality names, at least one.
        """
        return Segmenter(
            select_modalities(self.network, names),
            ignore_class=self.ignore_class,
            evaluation_resize=self.evaluation_resize,
            preprocessor=self.preprocessor and self.preprocessor.select(names),
            name=f"{self.name}_{'_'.join(names)}",
            dtype=self.dtype_policy,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.training_network),
            "ignore_class": self.ignore_class,
            "evaluation_resize": self.evaluation_resize,
            "auxiliary_weights": self.auxiliary_weights,
            "modality_dropout": self.modality_dropout.rate if self.modality_dropout else 0.0,
            "distillation": self.distillation,
            "distillation_temperature": self.distillation_temperature,
            "checkpoint_gradients": self.checkpoint_gradients,
        }


def _check_multimodal(network, fusion, freeze_statistics, synchronized, ensemble, stems):
    outputs = getattr(network, "output", None)
    if not isinstance(outputs, dict) or "ensemble" not in outputs:
        raise ValueError(
            '`modalities` must be given, such as {"rgb": 3, "depth": 1}, unless `network` is '
            "multimodal with an ensemble. Received: modalities=None, network="
            f"{getattr(network, 'name', network)}"
        )
    changed = freeze_statistics or synchronized is not None or ensemble != "global" or stems
    if fusion is not None or changed:
        raise ValueError(
            "`fusion`, `freeze_statistics`, `synchronized`, `ensemble` and `stems` must be given "
            "to to_multimodal when `network` is multimodal already. Received: modalities=None, "
            f"fusion={fusion}, freeze_statistics={freeze_statistics}, "
            f"synchronized={synchronized}, ensemble={ensemble!r}, stems={stems}"
        )
