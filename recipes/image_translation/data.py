"""Opening the data set that a config names, and what its domains mean.

open_dataset(config)      a prepared TFDS builder; `config.data.name` is "rendered_rooms",
                          "taskonomy" or "multimodal_folder" (the columns are the domains)
open_split(builder, split, names)
keep_in_memory(source)    the data set, cached if it is small
image_names(config)       names of `config.inputs` and `config.target`
domain_specs(config)      {name: spec} of `config.inputs`
target_spec(config)       spec of `config.target`
pipeline_config(config)   what `input_pipeline` takes
"""

from recipes.data import datasets
from recipes.data.datasets import keep_in_memory, open_data_source, open_split
from recipes.image_translation.examples import check_config

__all__ = [
    "domain_specs",
    "image_names",
    "keep_in_memory",
    "open_data_source",
    "open_dataset",
    "open_split",
    "pipeline_config",
    "target_spec",
]


def open_dataset(config):
    """Builds (once) and opens the data set of a config.

    Args:
        config: The run's `ConfigDict`; for `config.data` see `recipes.data.datasets.open_dataset`.

    Returns:
        A prepared TFDS builder, which has all of the run's domains.

    Raises:
        ValueError: If there is no such data set, its files are wrong, or it lacks a domain.
    """
    builder = datasets.open_dataset(config.data)
    features = builder.info.features
    missing = [name for name in (*config.inputs, config.target) if name not in features]
    if missing:
        raise ValueError(
            f"`config.inputs` and `config.target` must be domains of {builder.info.full_name}: "
            f"{sorted(set(features) - {'id', 'label'})}. Received: {missing}"
        )
    return builder


def domain_specs(config):
    """`{name: spec}` of the input domains, in order, and of the target, which comes last."""
    inputs = datasets.specs_of(tuple(config.inputs), config.domains, "inputs")
    return {**inputs, config.target: target_spec(config)}


def target_spec(config):
    """The spec of the domain that the run paints."""
    return datasets.specs_of((config.target,), config.domains, "target")[config.target]


def image_names(config):
    """Names of the domains that the run reads."""
    return (*config.inputs, config.target)


def pipeline_config(config):
    """What `recipes.image_translation.input_pipeline` needs of a run's config, checked."""
    pipeline = {
        "inputs": tuple(config.inputs),
        "target": config.target,
        "domains": domain_specs(config),
        "augmentation": config.augmentation.to_dict(),
        "shuffle_buffer": config.data.shuffle_buffer,
    }
    check_config(pipeline)
    return pipeline
