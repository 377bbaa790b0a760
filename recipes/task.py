"""What a recipe must answer. The five programs know nothing else of it."""

import dataclasses
import functools
import importlib

import ml_collections
import numpy as np

from keras_asym.training import Stage, learning_rate, optimizer_options
from recipes import settings
from recipes.data import survey as surveys
from recipes.data.dataset import Facts
from recipes.data.datasets import open_dataset
from recipes.data.specs import check_specs, input_channels, with_scale
from recipes.fusions import ALL_FUSIONS
from recipes.run_folder import RunFolder

IN_MEMORY = ("train", "validation")
"""Splits that are read again and again, of which small ones are kept decoded."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The figures of a model on a split.

    Attributes:
        protocol: How they were measured, in words.
        images: Number of images.
        results: `{output: {metric: value}}`.
        details: What the task's tables by class are made of; may be empty.
        by_image: `{output: array (images, parts)}` of what adds up over images, see
            `Task.metric_of_sums`; may be empty.
        curves: What plots of a report are made of; may be empty.
    """

    protocol: str
    images: int
    results: dict
    details: dict = dataclasses.field(default_factory=dict)
    by_image: dict = dataclasses.field(default_factory=dict)
    curves: dict = dataclasses.field(default_factory=dict)

    def record(self):
        """What `results.json` holds."""
        return {"protocol": self.protocol, "images": self.images, "results": self.results}


class Task:
    """A recipe's answers, made from a config; subclasses give those that differ.

    | to be defined | meaning |
    |---|---|
    | `name`, `title` | name of its package; heading of a report |
    | `monitor`, `mode` | the logged value that says which model is the best, `"max"` or `"min"` |
    | `main_metric` | what `monitor` looks at, as results call it |
    | `model_class` | class of the models: `Segmenter`, `Translator` |
    | `rules` | further rules for its settings |
    | `image_names` | names of the images that are read |
    | `image_specs` | `{name: spec}` of those that are normalized |
    | `examples` | what is done to one example, see `recipes.data.batches` |
    | `build_model(replicas)`, `compile(model, stage, steps)`, `stages` | for training |
    | `add_flags(parser, program)`, `protocol(arguments)` | how it is evaluated |
    | `evaluate(model, source, protocol, split, save)` | `Evaluation` |
    | `columns(results)` | of tables: `{metric: (factor, digits)}` |
    | `percent`, `note`, `lower_is_better` | of tables: unit, last line, what should be low |
    | `metric_of_sums(sums)` | the main metric of what adds up over images, `(..., parts)` |
    | `text(evaluation)` | an evaluation as lines of text |
    | `pictures(model, source, count)` | `[(example's name, {caption: uint8 picture})]` |
    | `inputs_of(model, source, number)` | what the model takes of an example, a batch of one |
    | `predict(model, name, raw, protocol)` | `{ending of the file's name: picture}` |
    | `export_options(model, arguments)` | of `keras_asym.export.export_saved_model` |

    | may be defined | meaning |
    |---|---|
    | `use_checkpoint(run, checkpoint)` | reads what a run's folder holds beside a model |
    | `rows_text(results)` | lines below a table of `{row: {metric: value}}` |
    | `check_evaluation(images)` | raises what an evaluation of so many images could only fail by |
    | `files(evaluation)` | tables to keep, `{name: text}`, and what to add to the JSON file |
    | `sections(evaluation)`, `legend()` | of the report: pairs of heading and HTML; HTML |

    Args:
        config: `ConfigDict`, see the task's `configs/default.py`.
        facts: `recipes.data.dataset.Facts` about its data; `None` before it was opened.
    """

    rules: dict = {}  # noqa: RUF012 (read only)

    def __init__(self, config, facts=None):
        self.config = config
        self.facts = facts
        self.training_steps = 0  # of all stages, once the data are known

    @classmethod
    def configs(cls):
        """The package with the task's configs."""
        return importlib.import_module(f"recipes.{cls.name}.configs")

    @classmethod
    def default_config(cls):
        return importlib.import_module(f"recipes.{cls.name}.configs.default").get_config()

    @classmethod
    def of_run(cls, run):
        """The task of a run that was trained.

        Args:
            run: `recipes.run_folder.RunFolder`.
        """
        config = run.config(cls.default_config())
        facts = run.facts(cls.name)
        task = cls(config)
        # Runs of version 0.1 did not keep what they knew of their data.
        task.facts = Facts.from_dict(facts) if facts else task.open().facts(task.image_names)
        return task

    def check(self):
        """Raises `ValueError` for the first setting that is wrong, before any work."""
        settings.check(self.config, {**settings.RULES, **self.rules})
        unknown = [name for name in self.config.inputs if name not in self.config.modalities]
        if unknown:
            raise ValueError(
                f"`config.inputs` must name some of {sorted(self.config.modalities)}. "
                f"Received: inputs={tuple(self.config.inputs)}; describe another modality by "
                f"--config.modalities.{unknown[0]}.channels=1 and so on"
            )
        check_specs(self.image_specs)
        if self.config.init:
            RunFolder(self.config.init).checkpoint()
        list(self._callback_functions())
        self.optimizer_options()

    def open(self):
        """The data set of the config; sets `facts`."""
        dataset = open_dataset(self.config.data)
        self.check_features(dataset.features)
        self.facts = dataset.facts(self.image_names)
        return dataset

    def check_features(self, features):
        """Raises `ValueError` unless a data set has the images that the task reads."""
        missing = [name for name in self.config.inputs if name not in features]
        if missing:
            raise ValueError(
                "`config.inputs` must be modalities of the data set: "
                f"{sorted(set(features) - {'id', 'label'})}. Received: {missing}"
            )

    def survey(self, dataset):
        """Looks at the splits of a run before training; raises what could only go wrong later.

        Returns:
            `{split: Survey}` of the training split, the validation split if there is one, and the
            split that is reported on.
        """
        found = {}
        for split in dict.fromkeys(("train", *dataset.validation, dataset.evaluated_split)):
            source = dataset.source(split, self.image_names, memory=split in IN_MEMORY)
            found[split] = surveys.survey(source, self.image_names)
            surveys.check_values(
                found[split].images,
                self.image_specs,
                dataset.units_per_metre(),
                split,
                dataset.nodata(),
            )
        return found

    @property
    def modalities(self):
        """`{name: spec}` of the modalities that the network sees, in order."""
        return {name: self.spec(name) for name in self.config.inputs}

    def spec(self, name):
        """The spec of an image, with the unit of the data set once this was opened."""
        spec = self.config.modalities[name].to_dict()
        return spec if self.facts is None else with_scale(name, spec, self.facts.units_per_metre)

    @property
    def input_channels(self):
        """`{name: channels}` of the network's inputs."""
        return {name: input_channels(spec) for name, spec in self.modalities.items()}

    def fusion(self):
        """The fusion strategy that `config.fusion.name` names."""
        config = self.config.fusion
        steps = max(round(config.target_at * self.training_steps), 1)
        with_steps = ml_collections.ConfigDict({**config, "exchange_steps": steps})
        return ALL_FUSIONS[config.name](with_steps)

    def variant(self, name, seed):
        """The task with a fusion strategy on all inputs, or on one input alone."""
        config = self.config.copy_and_resolve_references()
        config.seed = seed
        if name in config.inputs:
            config.inputs = (name,)
            config.fusion.name = "private_normalization"
        else:
            config.fusion.name = name
        return type(self)(config)

    def training_stages(self):
        """`Stage`s of the training loop."""
        return tuple(
            Stage(stage["epochs"], functools.partial(self._compile, stage=stage))
            for stage in self.stages
        )

    def _compile(self, model, steps, stage):
        self.compile(model, stage, steps)

    def rate(self, largest, steps):
        """Learning rate over the steps of a stage."""
        settings = self.config.optimizer
        return learning_rate(
            largest, steps, settings.decay, settings.decay_power, settings.warmup_steps
        )

    def optimizer_options(self):
        """Arguments of Keras' optimizers that all tasks have."""
        config, settings = self.config, self.config.optimizer
        return optimizer_options(
            config.gradient_accumulation,
            config.weight_average,
            settings.clipnorm,
            settings.global_clipnorm,
            settings.clipvalue,
        )

    def callbacks(self):
        """The user's own callbacks: what the functions in `config.callbacks` make of the task."""
        return tuple(make(self) for make in self._callback_functions())

    def _callback_functions(self):
        for name in self.config.callbacks:
            module, _, function = name.partition(":")
            try:
                yield getattr(importlib.import_module(module), function)
            except (ImportError, AttributeError, ValueError) as error:
                raise ValueError(
                    "`config.callbacks` must name functions as module:function, which take the "
                    f"task and return a Keras callback. Received: {name!r} ({error})"
                ) from error

    def check_evaluation(self, images):
        """Nothing can only go wrong after the training."""

    def use_checkpoint(self, run, checkpoint):
        """Nothing but the model is known of a checkpoint."""

    def rows_text(self, results):
        return []

    def files(self, found):
        return {}, {}

    def sections(self, found):
        return []

    def legend(self):
        return ""

    def may_change(self, name, old, new):
        """Whether a run may be resumed with another value of a setting."""
        if name == "epochs":
            return True
        if name == "stages":
            kept = zip(old, new, strict=False)
            return all({**a, "epochs": 0} == {**b, "epochs": 0} for a, b in kept)
        return any(name == known or name.startswith(f"{known}.") for known in settings.MAY_CHANGE)


def readable_names(names):
    """`"a + b"` of the names `a` and `b`."""
    return " + ".join(names)


def split_words(split, checkpoint):
    """What a protocol calls a split: it says where the checkpoint was chosen on these images."""
    chosen = (split, checkpoint) == ("validation", "best")
    return f"{split} (on which the best checkpoint was chosen)" if chosen else split


def example_id(example, number):
    """What pictures call an example: its `"id"`, or else its number."""
    name = np.asarray(example.get("id", number)).item()
    return name.decode() if isinstance(name, bytes) else str(name)
