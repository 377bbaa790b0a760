"""TFDS builder `taskonomy`: any domains of Taskonomy."""

import collections
import functools
from typing import ClassVar

import numpy as np
import tensorflow_datasets.public_api as tfds

from tfds_builders.taskonomy.config import PARTITIONS, TaskonomyConfig, absolute_folder
from tfds_builders.taskonomy.domains import UNITS_PER_METRE
from tfds_builders.taskonomy.examples import find_examples, list_buildings, read_example
from tfds_builders.taskonomy.sources import read_example_list, read_split_file

_COUNTERS = "taskonomy"


def _import_beam():
    try:
        import apache_beam
    except ImportError as error:
        raise ImportError(
            "this needs Apache Beam: pip install 'keras_asym[datasets]', or leave out the runner"
        ) from error
    return apache_beam


def _counter(split, what):
    return f"split {split}, {what}"


def _count_on_beam(split, what):
    _import_beam().metrics.Metrics.counter(_COUNTERS, _counter(split, what)).inc()


class Builder(tfds.core.GeneratorBasedBuilder):
    """Indoor scenes as pictures, geometry, edges and segments.

    Features are the domains, with the values of their files, and `id`. It is built with
    Apache Beam if a runner or options for Beam are given, and else one example after the other.

    Raises:
        ValueError: While building, if a list or a file is missing or wrong. The message names it.
            If data that lists or a folder alone decide were built from another folder.
        ImportError: While building with Beam, if it is not installed.

    Example:

    >>> import tensorflow_datasets as tfds
    >>> from tfds_builders.taskonomy import TaskonomyConfig
    >>> config = TaskonomyConfig(("rgb", "depth_euclidean"), splits="tiny")
    >>> builder = tfds.builder("taskonomy", config=config, data_dir=...)
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First version."}
    BUILDER_CONFIGS: ClassVar = [TaskonomyConfig(splits=name) for name in PARTITIONS]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "The manual_dir must hold a folder for each domain, with the files in "
        "{domain}/taskonomy/{building}/ (as Omnidata's tool downloads them), {domain}/{building}/ "
        "or {domain}/ itself, and for the official splits the files of splits_taskonomy.zip."
    )

    def __init__(self, *, config=None, **kwargs):
        # TFDS refuses an equal copy of a configuration that it knows; its name does as well.
        if config in self.BUILDER_CONFIGS:
            config = config.name
        super().__init__(config=config, **kwargs)

    def _info(self):
        domains = self.builder_config.domains
        features = {"id": tfds.features.Text(doc="Building, point and view.")}
        for name, domain in domains.items():
            features[name] = tfds.features.Image(
                shape=(*self.builder_config.image_size, domain.channels),
                dtype=np.dtype(domain.dtype),
                encoding_format="png",
                doc=domain.meaning,
            )
        metadata = {"invalid": {n: list(d.invalid) for n, d in domains.items() if d.invalid}}
        if any(domain.is_depth for domain in domains.values()):
            metadata["units_per_metre"] = UNITS_PER_METRE
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features),
            homepage="http://taskonomy.stanford.edu/",
            metadata=tfds.core.MetadataDict(metadata),
        )

    def _sources(self, root):
        """Dictionary from split to list of `Building`s or `Line`s."""
        config = self.builder_config
        if config.lists is not None:
            return {split: read_example_list(path) for split, path in config.lists.items()}
        if config.splits is None:
            return {"train": list_buildings(root, config.domains)}
        name = f"train_val_test_{config.splits}.csv"
        for folder in (root, root / "splits_taskonomy"):
            if (folder / name).exists():
                return read_split_file(folder / name)
        raise ValueError(
            f"{root / name}: there is no such file. Unpack splits_taskonomy.zip into the "
            "manual_dir, or use TaskonomyConfig(lists=...)."
        )

    def download_and_prepare(self, *, download_config=None, **kwargs):
        """Builds the data set, unless it is there. Arguments are those of TFDS."""
        self._check_folder(getattr(download_config, "manual_dir", None))
        super().download_and_prepare(download_config=download_config, **kwargs)

    def _check_folder(self, manual_dir):
        config = self.builder_config
        if manual_dir is None or config.splits is not None:
            return
        folder = absolute_folder(manual_dir)
        if config.root not in (None, folder):
            raise ValueError(
                "`root` must be left out, or be the manual_dir. "
                f"Received: root={config.root}, manual_dir={folder}"
            )
        built = self.info.metadata.get("root") if self.is_prepared() else None
        if built not in (None, folder):
            raise ValueError(
                f"{self.data_path} was built from the folder {built}. Received: manual_dir={folder}"
                ". Name the folder, TaskonomyConfig(root=...), give another name or data_dir, or "
                "delete what was built."
            )

    def _split_generators(self, dl_manager):
        root = tfds.core.Path(self.builder_config.root or absolute_folder(dl_manager.manual_dir))
        if self.builder_config.splits is None:
            self.info.metadata["root"] = str(root)
        return {
            split: self._generate_examples(root, split, sources)
            for split, sources in self._sources(root).items()
        }

    def _count(self, split, what):
        self._left_out[_counter(split, what)] += 1

    def _generate_examples(self, root, split, sources):
        config = self.builder_config
        find = functools.partial(
            find_examples,
            root=root,
            domains=tuple(config.domains),
            missing=config.missing,
            count=functools.partial(_count_on_beam if self._on_beam else self._count, split),
        )
        read = functools.partial(read_example, domains=config.domains, image_size=config.image_size)
        if not self._on_beam:
            return (read(example) for source in sources for example in find(source))
        beam = _import_beam()
        # Buildings, not files, are in the graph, whose size Dataflow limits.
        return (
            beam.Create(sources)
            | "Find" >> beam.FlatMap(find)
            | "Distribute" >> beam.Reshuffle()
            | "Read" >> beam.Map(read)
        )

    def _process_pipeline_result(self, pipeline_result):
        ours = _import_beam().metrics.MetricsFilter().with_namespace(_COUNTERS)
        for counter in pipeline_result.metrics().query(ours)["counters"]:
            self._left_out[counter.key.metric.name] = counter.result

    def _download_and_prepare(self, dl_manager, download_config):
        # Beam's local runners keep all examples in memory; without Beam they stream to the disk.
        self._on_beam = (download_config.beam_runner or download_config.beam_options) is not None
        self._left_out = collections.Counter()
        super()._download_and_prepare(dl_manager, download_config)
        for name, number in sorted(self._left_out.items()):
            print(f"Left out, files are missing: {name}: {number}")
