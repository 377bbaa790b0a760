"""The answers of semantic segmentation from several aligned images."""

from keras_asym.models import Segmenter
from recipes.data import survey as surveys
from recipes.data.batches import evaluation_batches
from recipes.report.tables import legend_list
from recipes.segmentation import calibration, evaluation, model, report
from recipes.segmentation.certainty import Certainty, certainty_text
from recipes.segmentation.colors import class_legend
from recipes.segmentation.evaluation import METRICS, Protocol
from recipes.segmentation.examples import SegmentationExamples
from recipes.segmentation.networks import stems, unread_settings
from recipes.segmentation.pictures import examples_beside_truth, network_inputs, predicted
from recipes.segmentation.settings import RATES, RULES, check_masks, check_settings
from recipes.task import Evaluation, Task, readable_names


class Segmentation(Task):
    """Semantic segmentation by `keras_asym.models.Segmenter`."""

    name = "segmentation"
    monitor = "val_ensemble_mean_iou"
    mode = "max"
    main_metric = "mean IoU"
    model_class = Segmenter
    percent = True
    lower_is_better = ()
    calibration = None
    calibration_source = None
    frequencies = None
    note = "Percent"
    rules = RULES

    @property
    def title(self):
        return f"Segmentation from {readable_names(self.config.inputs)}"

    @property
    def image_names(self):
        return (*self.config.inputs, "label")

    @property
    def image_specs(self):
        return self.modalities

    @property
    def class_names(self):
        return list(self.facts.class_names)

    @property
    def examples(self):
        return self.examples_of(self.modalities)

    def examples_of(self, modalities):
        """What is done to one example where there are just these `{name: spec}`."""
        return SegmentationExamples(
            modalities,
            len(self.facts.class_names),
            self.config.augmentation.to_dict(),
            tuple(self.config.data.eval_size) or None,
            self.facts.sensors,
        )

    @property
    def stages(self):
        return self.config.stages

    def check(self):
        super().check()
        check_settings(self.config)

    def check_features(self, features):
        check_masks(self.config, features)
        super().check_features(features)

    def survey(self, dataset):
        found = super().survey(dataset)
        train = found["train"]
        print(f"Classes in {train.examples[0]} of {train.examples[1]} training examples:")
        print("\n".join(surveys.class_table(train.labels, self.class_names)))
        for split, seen in found.items():
            surveys.check_labels(seen.labels, split)
        self.frequencies = train.labels[: len(self.class_names)]
        return found

    def use_checkpoint(self, run, checkpoint):
        names = tuple(self.config.inputs)
        found = calibration.read_calibration(run, checkpoint, names)
        self.calibration, self.calibration_source = found

    def build_model(self, replicas):
        unread = unread_settings(self.config.network, self.default_config().network)
        if unread:
            print(f"Not read by {self.config.network.name}: {', '.join(unread)} of config.network.")
        built, self.encoder_variables = model.build_model(
            self.config,
            self.input_channels,
            len(self.class_names),
            self.fusion(),
            replicas,
            stems(self.modalities),
        )
        return built

    def compile(self, network, stage, steps):
        factor = self.config.fusion.ensemble_rate
        peaks = [*(stage[name] for name in RATES), factor * stage["decoder_rate"]]
        rates = [self.rate(peak, steps) for peak in peaks]
        options = self.optimizer_options()
        weights = model.class_weights(self.config.class_weights, self.frequencies)
        model.compile_model(network, self.config, self.encoder_variables, rates, options, weights)

    @staticmethod
    def add_flags(parser, program):
        if program in ("evaluate", "predict"):
            parser.add_list("scales", "Scales whose probabilities are averaged.", "", float)
            parser.add_flag("flip", "Average mirror images in.", default=None)
            parser.add_list("window", "HEIGHT,WIDTH of sliding windows; 0: whole images.", "", int)
            parser.add_argument("--overlap", type=float, help="Of the windows.")
        if program == "export":
            parser.add_list(
                "outputs",
                "Of classes, confidence, uncertainty and probabilities.",
                "classes,confidence",
            )

    def protocol(self, arguments=None):
        """That of `config.evaluation`, but for what the arguments say."""
        config = self.config.evaluation
        own = Protocol(tuple(config.scales), config.flip, tuple(config.window), config.overlap)
        if arguments is None:
            return own
        window = () if arguments.window == [0] else tuple(arguments.window)
        return Protocol(
            tuple(arguments.scales) or own.scales,
            own.flip if arguments.flip is None else arguments.flip,
            window if arguments.window else own.window,
            own.overlap if arguments.overlap is None else arguments.overlap,
            tuple(arguments.modalities),
        )

    def evaluate(self, network, source, protocol, split, save=lambda found: None):
        specs = self._specs(network)
        batches = evaluation_batches(source, self.examples_of(specs), self.config.eval_batch_size)
        certainty = Certainty(network, self.calibration)
        results, matrices, by_image = evaluation.evaluate(
            network, batches, specs, protocol, certainty=certainty
        )
        for key, figures in certainty.results().items():
            results[key].update(figures)
        words = f"{protocol}, {split} split"
        found = Evaluation(
            words, len(source), results, matrices, by_image, curves=certainty.curves()
        )
        save(found)
        return found

    def columns(self, results):
        return {name: (100, 1) for name in METRICS}

    def metric_of_sums(self, sums):
        return evaluation.mean_iou(sums)

    def text(self, found):
        return report.text(found, self.class_names, self.calibration_source)

    def rows_text(self, results):
        return certainty_text(results, self.calibration_source)

    def files(self, found):
        return report.files(found, self.class_names, self.calibration_source)

    def sections(self, found):
        return report.sections(found, self.class_names, self.calibration_source)

    def legend(self):
        return legend_list(class_legend(self.class_names))

    def pictures(self, network, source, count):
        examples = self.examples_of(self._specs(network))
        return examples_beside_truth(
            network, source, examples, self.protocol(), count, self.calibration
        )

    def inputs_of(self, network, source, number):
        return network_inputs(source[number], self.examples_of(self._specs(network)))

    def predict(self, network, name, raw, protocol):
        return predicted(network, raw, self._specs(network), protocol, self.calibration)

    def _specs(self, network):
        """`{name: spec}` of a network's modalities, which may be some of the task's."""
        return {name: self.modalities[name] for name in network.modality_names}

    def export_options(self, network, arguments):
        return {
            "class_names": self.class_names,
            "outputs": tuple(arguments.outputs),
            "calibration": self.calibration,
        }
