"""The answers of semantic segmentation from several aligned images."""

import csv
import io
import pathlib

import numpy as np

from keras_asym.layers.modality_ensemble import KINDS
from keras_asym.models import Calibration, Segmenter
from keras_asym.networks.backbones import NAMES
from recipes import settings
from recipes.data import survey as surveys
from recipes.data.batches import evaluation_batches
from recipes.data.values import normalize
from recipes.report.certainty import certainty_plots
from recipes.report.tables import (
    class_table,
    confusion_table,
    escape,
    legend_list,
    results_table,
)
from recipes.segmentation import calibration, evaluation, model
from recipes.segmentation.certainty import (
    NOTE,
    Certainty,
    calibration_words,
    certainty_text,
    known_figures,
    log_of,
)
from recipes.segmentation.colors import class_legend, colorize, displayable, overlay
from recipes.segmentation.evaluation import METRICS, Protocol
from recipes.segmentation.examples import SegmentationExamples, check_augmentation
from recipes.segmentation.networks import (
    DECODERS,
    NETWORKS,
    check_network,
    is_backbone,
    stems,
    unread_settings,
)
from recipes.task import Evaluation, Task, example_id, readable_names

RATES = ("encoder_rate", "decoder_rate")
BY_FREQUENCY = ("frequency",)


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
    note = "Percent"
    rules = {  # noqa: RUF012 (read only)
        "network.name": settings.one_of(list(NETWORKS)),
        "network.backbone": settings.Rule(
            is_backbone,
            f"one of {list(NAMES)}, a class of keras.applications such as 'MobileNetV3Large', or "
            "'kerashub:' and the name of a preset",
        ),
        "network.weights": settings.optional(settings.one_of(("imagenet",))),
        "network.backbone_width": settings.optional(settings.whole(1)),
        "network.output_stride": settings.optional(settings.one_of((8, 16, 32))),
        "network.decoder": settings.optional(settings.one_of(DECODERS)),
        "network.decoder_widths": settings.sequence(settings.whole(1), 4),
        "network.filters": settings.optional(settings.whole(1)),
        "network.skip_filters": settings.optional(settings.whole(1)),
        "network.dropout": settings.optional(settings.number(0, 1)),
        "network.auxiliary_weights": settings.numbers(settings.number(0)),
        "optimizer.name": settings.one_of(("sgd", "adamw")),
        "optimizer.momentum": settings.number(0, 1),
        "optimizer.l2": settings.number(0),
        "optimizer.decay_norms": settings.flag(),
        "loss.focal_gamma": settings.number(0),
        "loss.dice_weight": settings.number(0),
        "fusion.ensemble": settings.one_of(KINDS),
        "fusion.train_ensemble": settings.flag(),
        "evaluation_resize": settings.one_of(("bilinear", "bicubic")),
        "evaluation.scales": settings.positive_numbers(),
        "evaluation.flip": settings.flag(),
        "evaluation.window": settings.size(optional=True),
        "evaluation.overlap": settings.number(0, 1),
        "pretrained": settings.text(),
        "freeze_statistics": settings.flag(),
        "checkpoint_gradients": settings.flag(),
        "data.eval_size": settings.size(optional=True),
    }

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
        config = self.config
        check_augmentation(config.augmentation.to_dict())
        if "label" in config.inputs:
            raise ValueError("`config.inputs` must not hold 'label', the mask.")
        stages = config.stages
        if not isinstance(stages, tuple | list) or not stages:
            raise ValueError(
                "`config.stages` must hold at least one stage, such as ({'epochs': 10, "
                f"'encoder_rate': 1e-3, 'decoder_rate': 1e-3}},). Received: stages={stages!r}"
            )
        for index, stage in enumerate(stages):
            where = f"config.stages.{index}"
            settings.check_keys(where, stage, ("epochs", *RATES))
            for key, rule in (
                ("epochs", settings.whole(1)),
                *((rate, settings.number(0)) for rate in RATES),
            ):
                if not rule.holds(stage[key]):
                    raise ValueError(
                        f"`{where}.{key}` must be {rule.words}. Received: {key}={stage[key]!r}"
                    )
        begun = config.pretrained or config.network.weights or config.init
        if config.freeze_statistics and not begun:
            raise ValueError(
                "`config.freeze_statistics` must be False without `config.pretrained`, "
                "`config.network.weights` or `config.init`: statistics that nobody has measured "
                "would stay 0 and 1. Pass --config.pretrained=FILE (ImageNet weights of the "
                "encoder), or --config.freeze_statistics=False"
            )
        if config.optimizer.name == "sgd" and not config.optimizer.decay_norms:
            raise ValueError(
                "`config.optimizer.decay_norms` must be True with sgd, whose l2 is of all "
                "variables. Received: decay_norms=False"
            )
        check_network(config.network, config.pretrained)
        if config.pretrained and not pathlib.Path(config.pretrained).expanduser().is_file():
            raise ValueError(
                "`config.pretrained` must be a file of weights, such as torchvision's "
                f"resnet101.pth. Received: {config.pretrained}, which is not there"
            )
        rates = tuple(config.fusion.modality_dropout)
        if rates != model.UNIFORM_SUBSETS and not (
            len(rates) in (0, 1, len(config.inputs))
            and all(settings.number(0, below=1).holds(x) for x in rates)
        ):
            raise ValueError(
                "`config.fusion.modality_dropout` must be empty, 'uniform', or hold a number of at "
                f"least 0 and below 1 for all or each of {tuple(config.inputs)}. "
                f"Received: modality_dropout={rates}"
            )
        weights = tuple(config.class_weights)
        numbers = all(settings.number(0).holds(x) for x in weights)
        if weights != BY_FREQUENCY and not numbers:
            raise ValueError(
                "`config.class_weights` must be empty, 'frequency', or hold a number of at least 0 "
                f"for each class. Received: class_weights={weights}"
            )

    def check_features(self, features):
        if "label" not in features:
            raise ValueError(
                "`config.data` must name a data set with masks, in a folder as the column 'label'. "
                f"Received: {self.config.data.name} with {sorted(features)}"
            )
        super().check_features(features)
        number = features["label"].num_classes
        if number < 2:
            raise ValueError(f"A data set must have at least two classes. Received: {number}")
        weights = tuple(self.config.class_weights)
        if weights not in ((), BY_FREQUENCY) and len(weights) != number:
            raise ValueError(
                f"`config.class_weights` must hold a number for each of the {number} classes. "
                f"Received: {len(weights)}"
            )

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
        rates = [self.rate(stage[name], steps) for name in RATES]
        options = self.optimizer_options()
        model.compile_model(
            network, self.config, self.encoder_variables, *rates, options, self._class_weights()
        )

    def _class_weights(self):
        """Given, or the median frequency divided by each class's own (0 without a pixel)."""
        weights = tuple(self.config.class_weights)
        if weights != BY_FREQUENCY:
            return weights or None
        counts = self.frequencies
        median = np.median(counts[counts > 0])
        return tuple(float(median / count) if count else 0.0 for count in counts)

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
        specs = {name: self.modalities[name] for name in network.modality_names}
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
        lines = [evaluation.text_table(found.results, found.protocol, found.images)]
        lines += [*self.rows_text(found.results), ""]
        return "\n".join([*lines, *evaluation.class_text(self._best(found), self.class_names)])

    def rows_text(self, results):
        return certainty_text(results, self.calibration_source)

    def _best(self, found):
        return found.details.get("ensemble", next(iter(found.details.values())))

    def files(self, found):
        """Tables by class as CSV, confusion matrices as JSON."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(("output", "class", "IoU", "accuracy", "precision", "pixels"))
        for key, matrix in found.details.items():
            figures = evaluation.class_figures(matrix)
            for index, name in enumerate(self.class_names):
                writer.writerow((key, name, *(figures[column][index] for column in figures)))
        matrices = {key: matrix.tolist() for key, matrix in found.details.items()}
        return {"classes.csv": text.getvalue()}, {
            "class_names": self.class_names,
            "confusion": matrices,
            "calibration": self.calibration_source,
        }

    def sections(self, found):
        names, legend = self.class_names, class_legend(self.class_names)
        iou = {key: evaluation.class_figures(x)["IoU"] for key, x in found.details.items()}
        note = '<p class="note">In percent; &ndash; without pixels.</p>'
        rows = "Rows are true classes, columns predicted ones, in percent of the row."
        return [
            ("IoU by class", note + class_table(iou, names, legend)),
            (
                "Confusion of the ensemble",
                f'<p class="note">{rows}</p>{confusion_table(self._best(found), names)}',
            ),
            ("Confidence", self._certainty_section(found)),
        ]

    def _certainty_section(self, found):
        columns = known_figures(found.results)
        figures = {
            key: {name: values[name] for name in columns} for key, values in found.results.items()
        }
        note = f"{NOTE}; {calibration_words(self.calibration_source)}. Plots: the ensemble."
        note = note.replace("ECE (15 bins) and AURC in percent", "ECE (15 bins) and AURC in 0..1")
        return (
            f'<p class="note">{escape(note)}</p>'
            f"{results_table(figures, percent=False, lower_is_better=tuple(columns))}"
            f"{certainty_plots(found.curves)}"
        )

    def legend(self):
        return legend_list(class_legend(self.class_names))

    def pictures(self, network, source, count):
        """Inputs, truth and each branch's prediction of the first examples."""
        specs = {name: self.modalities[name] for name in network.modality_names}
        predict = evaluation.make_predict(network, specs, self.protocol())
        panels = []
        for number in range(min(count, len(source))):
            example = source[number]
            images = {f"input: {name}": displayable(example[name], specs[name]) for name in specs}
            images["truth"] = colorize(example["label"][..., 0], network.num_classes)
            inputs = {name: normalize(example[name], spec)[None] for name, spec in specs.items()}
            told = self.examples_of(specs).presence(example)
            probabilities = predict({**inputs, **{key: x[None] for key, x in told.items()}})
            for key in network.loss_keys:
                images[key] = colorize(probabilities[key][0].argmax(-1), network.num_classes)
            panels.append((example_id(example, number), images))
        return panels

    def predict(self, network, name, raw, protocol):
        specs = {key: self.modalities[key] for key in network.modality_names}
        predict = evaluation.make_predict(network, specs, protocol)
        inputs = {key: normalize(image, specs[key])[None] for key, image in raw.items()}
        probabilities = predict(inputs)["ensemble"]
        classes = probabilities[0].argmax(-1).astype("uint8")
        known = self.calibration or Calibration(network.modality_names)
        confidence = known.confidence("ensemble", log_of(probabilities), network.modality_names)
        confidence = np.rint(65535 * np.asarray(confidence)[0]).astype("uint16")
        first = next(iter(raw))
        background = displayable(raw[first], specs[first])
        return {
            "_classes": classes[..., None],
            "_confidence": confidence[..., None],
            "_colors": colorize(classes, network.num_classes),
            "_overlay": overlay(background, classes, network.num_classes),
        }

    def export_options(self, network, arguments):
        return {
            "class_names": self.class_names,
            "outputs": tuple(arguments.outputs),
            "calibration": self.calibration,
        }
