"""Opening the data set that a config names."""

import os

import tensorflow_datasets as tfds

from tfds_builders.multimodal_folder import MultimodalFolder
from tfds_builders.rendered_rooms import rendered_rooms_dataset_builder as rendered_rooms


def open_dataset(config):
    """Builds (once) and opens the data set of a config.

    Args:
        config: The run's `ConfigDict`; `config.data.name` is `"rendered_rooms"`, or
            `"multimodal_folder"` for any folder of images with list files.

    Returns:
        A prepared TFDS builder.

    Raises:
        ValueError: If there is no such data set, or its files are wrong.
    """
    data = config.data
    data_dir = os.path.expanduser(data.data_dir) if data.data_dir else None
    if data.name == "rendered_rooms":
        rooms = rendered_rooms.RenderedRoomsConfig(
            data.width, data.height, data.num_examples.to_dict()
        )
        builder = rendered_rooms.Builder(config=rooms, data_dir=data_dir)
    elif data.name == "multimodal_folder":
        if not data.root:
            raise ValueError(
                "`config.data.root` must be the folder with your images and list files: pass "
                "--config.data.root=FOLDER. Received: an empty path"
            )
        names = tuple(data.class_names) or None
        builder = MultimodalFolder(
            root=data.root,
            lists={split: name for split, name in data.lists.items() if name},
            columns=tuple(data.columns),
            num_classes=None if names else data.num_classes,
            class_names=names,
            data_dir=data_dir,
        )
    else:
        raise ValueError(
            '`config.data.name` must be "rendered_rooms" or "multimodal_folder". '
            f"Received: name={data.name!r}"
        )
    builder.download_and_prepare()
    return builder


def open_split(builder, split):
    """One split as a `tf.data.Dataset` of raw examples, in a fixed order."""
    if split not in builder.info.splits:
        raise ValueError(
            f"`split` must be one of {sorted(builder.info.splits)}. Received: split={split!r}"
        )
    in_order = tfds.ReadConfig(interleave_cycle_length=1)
    return builder.as_dataset(split=split, read_config=in_order, shuffle_files=False)


def class_names(builder):
    """Names of the classes of a data set, `"0"`, `"1"`, ... where it knows none."""
    return list(builder.info.features["label"].names)


def modality_specs(config):
    """`{name: spec}` of the modalities that the run uses, in order."""
    unknown = [name for name in config.inputs if name not in config.modalities]
    if unknown or not config.inputs:
        raise ValueError(
            f"`config.inputs` must name some of the modalities {sorted(config.modalities)}. "
            f"Received: inputs={tuple(config.inputs)}"
        )
    return {name: config.modalities[name].to_dict() for name in config.inputs}


def pipeline_config(config, num_classes):
    """What `recipes.segmentation.input_pipeline` needs of a run's config."""
    return {
        "modalities": modality_specs(config),
        "num_classes": num_classes,
        "augmentation": config.augmentation.to_dict(),
        "shuffle_buffer": config.data.shuffle_buffer,
        "eval_size": tuple(config.data.eval_size) or None,
    }
