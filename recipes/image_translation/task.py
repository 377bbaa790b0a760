"""The answers of image translation from several aligned domains."""

import functools

import numpy as np
import tensorflow as tf

from keras_asym.models import Translator
from recipes import settings
from recipes.data.batches import evaluation_batches
from recipes.data.values import denormalize
from recipes.image_translation import evaluation, model
from recipes.image_translation.evaluation import LOWER_IS_BETTER, Inception, Protocol
from recipes.image_translation.examples import TranslationExamples
from recipes.task import Evaluation, Task, example_id, readable_names


class ImageTranslation(Task):
    """Image-to-image translation by `keras_asym.models.Translator` (pix2pix)."""

    name = "image_translation"
    monitor = "val_ensemble_mae"
    mode = "min"
    main_metric = "MAE"
    model_class = Translator
    percent = False
    lower_is_better = LOWER_IS_BETTER
    note = "Lower is better but for PSNR and SSIM"
    rules = {  # noqa: RUF012 (read only)
        "target": settings.text(),
        "data.image_size": settings.size(optional=True),
        "epochs": settings.whole(1),
        "generator.name": settings.one_of(list(model.GENERATORS)),
        "generator.filters": settings.whole(1),
        "generator.depth": settings.whole(2),
        "generator.dropout": settings.number(0, 1),
        "generator.depths": settings.sequence(settings.whole(1), 5),
        "generator.decoder_depths": settings.sequence(settings.whole(1), 4),
        "generator.drop_path": settings.number(0, 1),
        "discriminator.filters": settings.whole(1),
        "l1_weight": settings.number(0),
        "dropout_at_test": settings.flag(),
        "instance_statistics": settings.flag(),
        "optimizer.rate": settings.number(0),
        "optimizer.beta_1": settings.number(0, 1),
        "optimizer.beta_2": settings.number(0, 1),
        "inception.path": settings.text(),
        "inception.protocol": settings.one_of(("clean", "published")),
        "inception.subset_size": settings.whole(2),
        "augmentation.resize": settings.size(optional=True),
    }

    @property
    def title(self):
        return f"{readable_names(self.config.inputs)} to {self.config.target}"

    @property
    def image_names(self):
        return (*self.config.inputs, self.config.target)

    @property
    def image_specs(self):
        return {**self.modalities, self.config.target: self.target_spec}

    @property
    def target_spec(self):
        """The spec of the domain that the run paints."""
        config = self.config
        if config.target not in config.modalities:
            raise ValueError(
                f"`config.target` must name some of {sorted(config.modalities)}. "
                f"Received: target={config.target!r}"
            )
        return self.spec(config.target)

    @property
    def examples(self):
        return self._examples(self.config.inputs)

    def _examples(self, inputs):
        augmentation = self.config.augmentation.to_dict()
        return TranslationExamples(inputs, self.config.target, self.image_specs, augmentation)

    @property
    def stages(self):
        return ({"epochs": self.config.epochs},)

    def check(self):
        super().check()
        for name, spec in self.image_specs.items():
            if spec.get("stem") is not None:
                raise ValueError(
                    f"`config.modalities.{name}.stem` must be None here: it is for encoders with "
                    f"ImageNet weights. Received: stem={spec['stem']!r}"
                )
        self._examples(self.config.inputs)
        evaluation.check_size(self.config.augmentation.size)
        if self.config.precision == "mixed_float16":
            raise ValueError(
                "`config.precision` must not be mixed_float16 here, as the two players would need "
                "a loss scale each: use mixed_bfloat16. Received: precision='mixed_float16'"
            )
        generator = self.config.generator
        stride = model.GENERATORS[generator.name].stride(generator)
        size = tuple(self.config.augmentation.size)
        if any(side % stride for side in size):
            raise ValueError(
                f"`config.augmentation.size` must be multiples of the generator's stride {stride}, "
                f"for a U-Net 2**config.generator.depth. Received: size={size}"
            )
        _ = self.inception  # its weights are read now, not after the training

    @functools.cached_property
    def inception(self):
        return Inception(**self.config.inception)

    def check_features(self, features):
        names = (*self.config.inputs, self.config.target)
        missing = [name for name in names if name not in features]
        if missing:
            raise ValueError(
                "`config.inputs` and `config.target` must be domains of "
                f"{self.config.data.name}: {sorted(set(features) - {'id', 'label'})}. "
                f"Received: {missing}"
            )

    def build_model(self, replicas):
        del replicas  # instance norms look at one example
        channels = self.target_spec["channels"]
        return model.build_model(self.config, self.input_channels, channels, self.fusion())

    def compile(self, network, stage, steps):
        del stage
        rate = self.rate(self.config.optimizer.rate, steps)
        model.compile_model(network, self.config, rate, self.optimizer_options())

    @staticmethod
    def add_flags(parser, program):
        if program in ("evaluate", "predict", "export"):
            parser.add_flag(
                "dropout_at_test",
                "Dropout at test time.",
                default=False if program == "export" else None,
            )
        if program == "evaluate":
            parser.add_argument("--inception", default="", help="File of the Inception weights.")
            parser.add_argument(
                "--fid", default="clean", choices=("clean", "published"), help="Which FID and KID."
            )
            parser.add_argument(
                "--kid_subset_size", type=int, default=50, help="Images in a subset of KID's."
            )
        if program == "predict":
            parser.add_flag("branches", "Write the picture of each branch, too.")
            parser.add_argument(
                "--size", default="network", choices=("network", "input"), help="Of the pictures."
            )
            parser.add_argument(
                "--bits", type=int, default=8, choices=(8, 16), help="16: the target's own values."
            )

    def protocol(self, arguments=None):
        if arguments is None:
            return Protocol(self.inception)
        inception = None
        if getattr(arguments, "inception", ""):
            inception = Inception(arguments.inception, arguments.fid, arguments.kid_subset_size)
        return Protocol(
            inception,
            arguments.dropout_at_test,
            tuple(arguments.modalities),
            getattr(arguments, "size", "network"),
            getattr(arguments, "bits", 8),
            getattr(arguments, "branches", False),
        )

    def check_evaluation(self, images):
        """Raises `ValueError` where the evaluation after training could only fail."""
        self.inception.check(images)

    def evaluate(self, network, source, protocol, split, save=lambda found: None):
        if protocol.inception:
            protocol.inception.check(len(source))
        if protocol.dropout_at_test is not None:
            network.dropout_at_test = protocol.dropout_at_test
        words = protocol.describe(split, network.dropout_at_test)
        examples = self._examples(network.modality_names)
        batches = evaluation_batches(source, examples, self.config.eval_batch_size)

        def found(results, by_image):
            # The number of images goes along, as a mean is a sum divided by it.
            parts = {key: np.insert(x[:, :1], 1, 1, axis=1) for key, x in by_image.items()}
            return Evaluation(words, len(source), results, by_image=parts)

        return found(
            *evaluation.evaluate(
                network,
                batches,
                protocol.inception,
                save=lambda *parts: save(found(*parts)),
            )
        )

    def columns(self, results):
        return evaluation.columns(results)

    def metric_of_sums(self, sums):
        return sums[..., 0] / sums[..., 1]

    def text(self, found):
        return evaluation.text_table(found.results, found.protocol, found.images)

    def pictures(self, network, source, count):
        """Inputs, each branch, the ensemble and the target, as the network sees them."""
        examples = self._examples(network.modality_names)
        names = list(network.modality_names)
        panels = []
        for number in range(min(count, len(source))):
            raw = source[number]
            tensors = {key: tf.constant(raw[key]) for key in examples.channels}
            inputs, target, _ = examples.evaluation(tensors, str(number))
            outputs = network.predict_on_batch({key: x[None] for key, x in inputs.items()})
            images = {
                f"input: {name}": picture(inputs[name][..., : examples.channels[name]])
                for name in names
            }
            branches = [key for key in names if key in outputs]  # networks that merge have none
            images.update({f"from {key}": picture(outputs[key][0]) for key in branches})
            if len(branches) != 1:
                images["ensemble"] = picture(outputs["ensemble"][0])
            images[f"target: {self.config.target}"] = picture(target)
            panels.append((example_id(raw, number), images))
        return panels

    def predict(self, network, name, raw, protocol):
        if protocol.dropout_at_test is not None:
            network.dropout_at_test = protocol.dropout_at_test
        examples = self._examples(network.modality_names)
        size = next(iter(raw.values())).shape[:2]
        inputs = examples.network_inputs({key: tf.constant(x) for key, x in raw.items()}, name)
        outputs = network.predict_on_batch({key: x[None] for key, x in inputs.items()})
        keys = network.output_keys if protocol.branches else ("ensemble",)
        return {
            "" if key == "ensemble" else f"_{key}": self._picture(outputs[key][0], protocol, size)
            for key in keys
        }

    def _picture(self, image, protocol, size):
        if protocol.size == "input":
            image = tf.image.resize(image, size, "bilinear", antialias=True).numpy()
        if protocol.bits == 8:
            return picture(image)
        dtype = self.facts.dtypes[self.config.target]
        if dtype != "uint16":
            raise ValueError(
                "`bits` must be 8 unless the target is stored with 16 bits. Received: bits=16, "
                f"target '{self.config.target}' stored as {dtype}"
            )
        return denormalize(image, self.target_spec, dtype)

    def export_options(self, network, arguments):
        network.dropout_at_test = arguments.dropout_at_test
        return {}


def picture(image):
    """uint8 `(height, width, 3)` of an image in [-1, 1] with one channel or three and more."""
    values = np.clip(np.rint((np.asarray(image) + 1) * 127.5), 0, 255).astype("uint8")
    return np.repeat(values[..., :1], 3, axis=-1) if values.shape[-1] < 3 else values[..., :3]
