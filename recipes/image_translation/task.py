"""The answers of image translation from several aligned domains."""

import functools

import numpy as np

from keras_asym.models import Translator
from recipes.data.batches import evaluation_batches
from recipes.image_translation import evaluation, model
from recipes.image_translation.evaluation import LOWER_IS_BETTER, Inception, Protocol
from recipes.image_translation.examples import TranslationExamples
from recipes.image_translation.pictures import examples_beside_target, network_inputs, predicted
from recipes.image_translation.settings import RULES, check_settings
from recipes.task import Evaluation, Task, readable_names


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
    rules = RULES

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
        self._examples(self.config.inputs)
        check_settings(self.config, self.image_specs)
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
        peak = self.config.optimizer.rate
        peaks = (peak, self.config.fusion.ensemble_rate * peak)
        rates = [self.rate(peak, steps) for peak in peaks]
        model.compile_model(network, self.config, rates, self.optimizer_options())

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
        examples = self._examples(network.modality_names)
        return examples_beside_target(network, source, examples, count)

    def inputs_of(self, network, source, number):
        examples = self._examples(network.modality_names)
        return network_inputs(source[number], examples, str(number))[0]

    def predict(self, network, name, raw, protocol):
        if protocol.dropout_at_test is not None:
            network.dropout_at_test = protocol.dropout_at_test
        examples = self._examples(network.modality_names)
        dtype = self.facts.dtypes[self.config.target]
        return predicted(network, raw, name, examples, protocol, dtype)

    def export_options(self, network, arguments):
        network.dropout_at_test = arguments.dropout_at_test
        return {}
