"""Opening the data set that a config names, and what its modalities mean."""

from recipes.data import datasets
from recipes.data.datasets import keep_in_memory, open_data_source, open_split

__all__ = [
    "class_names",
    "image_names",
    "keep_in_memory",
    "modality_specs",
    "open_data_source",
    "open_dataset",
    "open_split",
    "pipeline_config",
]


def open_dataset(config):
    """Builds (once) and opens the data set of a config.

    Args:
        config: The run's `ConfigDict`; for `config.data` see `recipes.data.datasets.open_dataset`.

    Returns:
        A prepared TFDS builder.

    Raises:
        ValueError: If there is no such data set, its files are wrong, or it has no labels.
    """
    builder = datasets.open_dataset(config.data)
    if "label" not in builder.info.features:
        raise ValueError(
            "`config.data` must name a data set with masks, in a folder as the column 'label'. "
            f"Received: {builder.info.full_name} with {sorted(builder.info.features)}"
        )
    return builder


def class_names(builder):
    """Names of the classes of a data set, `"0"`, `"1"`, ... where it knows none."""
    return list(builder.info.features["label"].names)


def modality_specs(config):
    """`{name: spec}` of the modalities that the run uses, in order."""
    return datasets.specs_of(tuple(config.inputs), config.modalities, "inputs")


def image_names(config):
    """Names of the images that the run reads."""
    return (*config.inputs, "label")


def pipeline_config(config, num_classes):
    """What `recipes.segmentation.input_pipeline` needs of a run's config."""
    return {
        "modalities": modality_specs(config),
        "num_classes": num_classes,
        "augmentation": config.augmentation.to_dict(),
        "shuffle_buffer": config.data.shuffle_buffer,
        "eval_size": tuple(config.data.eval_size) or None,
    }
