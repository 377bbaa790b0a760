"""Opening the data set that a config names."""

import os
import pathlib

import numpy as np
import tensorflow_datasets as tfds

import tfds_builders  # noqa: F401 (registers the builders)
from tfds_builders.multimodal_folder import MultimodalFolder
from tfds_builders.rendered_rooms import rendered_rooms_dataset_builder as rendered_rooms

ARCHIVES = ("nyudv2_rgbd", "sunrgbd_rgbd", "cityscapes_rgbd")
"""Data sets built from archives in the folder `root`; a name may go on with `/CONFIG`."""

_MEMORY = 2**31  # bytes of decoded examples

NAMES = ("rendered_rooms", "multimodal_folder", "taskonomy", *ARCHIVES)


def open_dataset(data):
    """Builds (once) and opens a data set.

    | key | of | meaning |
    |---|---|---|
    | `name` | all | one of `NAMES`, an archive's with its configuration: `"nyudv2_rgbd/..."` |
    | `data_dir` | all | where TFDS keeps what it builds; its own default if empty |
    | `file_format` | all | optional: `"parquet"` for reading without TensorFlow |
    | `width`, `height`, `num_examples` | rendered_rooms | pixels; `{split: number}` |
    | `root` | the others | folder of the images and lists, or of the archives |
    | `columns` | folder, taskonomy | the list files' columns; the domains |
    | `lists` | folder, taskonomy | `{split: list file}` in `root`; empty ones are left out |
    | `num_classes`, `class_names` | folder | if there is a column `label` |
    | `splits`, `image_size` | taskonomy | optional, see `tfds_builders.taskonomy` |

    Args:
        data: `ConfigDict` with the keys above.

    Returns:
        A prepared TFDS builder.

    Raises:
        ValueError: If there is no such data set, or its files are wrong.
    """
    options = {}
    if data.data_dir:
        options["data_dir"] = os.path.expanduser(data.data_dir)
    if data.get("file_format"):
        options["file_format"] = data.file_format
    name = data.name.partition("/")[0]
    if name == "rendered_rooms":
        config = rendered_rooms.RenderedRoomsConfig(
            data.width, data.height, data.num_examples.to_dict()
        )
        builder = rendered_rooms.Builder(config=config, **options)
    elif name == "multimodal_folder":
        builder = _folder(data, options)
    elif name == "taskonomy":
        builder = _taskonomy(data, options)
    elif name in ARCHIVES:
        builder = tfds.builder(data.name, **options)
    else:
        raise ValueError(f"`config.data.name` must be one of {NAMES}. Received: name={data.name!r}")
    download = None
    if name in ("taskonomy", *ARCHIVES) and data.root:
        download = tfds.download.DownloadConfig(manual_dir=os.path.expanduser(data.root))
    builder.download_and_prepare(download_config=download)
    return builder


def open_split(builder, split, names=None):
    """One split as a `tf.data.Dataset` of raw examples, in a fixed order.

    Args:
        builder: Prepared TFDS builder.
        split: Name of the split.
        names: Names of the images to decode, which is most of the work; all by default.
    """
    _check_split(builder, split)
    decoders = None
    if names is not None:
        wanted = [name for name in builder.info.features if name in (*names, "id")]
        decoders = tfds.decode.PartialDecoding({name: True for name in wanted})
    # Whoever wants a cache says so: TFDS would keep small data sets, decoded.
    in_order = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    return builder.as_dataset(
        split=split, read_config=in_order, shuffle_files=False, decoders=decoders
    )


def keep_in_memory(source):
    """Keeps a data set in memory, decoded, if it takes at most 2 GiB.

    Args:
        source: Finite `tf.data.Dataset` of examples.

    Returns:
        The data set, which otherwise is read anew each time; and how many of its examples may be
        shuffled at a time, so that they take no more than this either. Taken for the size of all
        is that of the first.
    """
    count = len(source)
    first = next(iter(source.take(1).as_numpy_iterator()), {})
    size = sum(np.asarray(value).nbytes for value in first.values())
    most = _MEMORY // max(size, 1)
    return (source.cache(), count) if count <= most else (source, max(most, 1))


def open_data_source(builder, split):
    """One split as a sequence of raw examples, read without TensorFlow.

    The data set must have been built in a format with random access: `data.file_format` is
    `"parquet"` or `"array_record"`.
    """
    _check_split(builder, split)
    file_format = builder.info.file_format.value
    if file_format not in ("parquet", "array_record"):
        raise ValueError(
            "`builder` must have the file format 'parquet' or 'array_record': set "
            f"`config.data.file_format` and build into a new `data_dir`. Received: {file_format!r}"
        )
    return builder.as_data_source(split=split)


def specs_of(names, specs, argument):
    """`{name: spec}` of the images that a run uses, in order.

    Args:
        names: Names of the images.
        specs: `ConfigDict` from name to spec.
        argument: What error messages call `names`.
    """
    unknown = [name for name in names if name not in specs]
    if unknown or not names:
        raise ValueError(
            f"`config.{argument}` must name some of {sorted(specs)}. "
            f"Received: {argument}={tuple(names)}"
        )
    return {name: specs[name].to_dict() for name in names}


def _folder(data, options):
    if not data.root:
        raise ValueError(
            "`config.data.root` must be the folder with your images and list files: pass "
            "--config.data.root=FOLDER. Received: an empty path"
        )
    columns = tuple(data.columns)
    if "label" in columns:
        names = tuple(data.class_names) or None
        options = {**options, "class_names": names}
        options["num_classes"] = None if names else data.num_classes
    return MultimodalFolder(root=data.root, lists=_lists(data), columns=columns, **options)


def _taskonomy(data, options):
    from tfds_builders.taskonomy.config import TaskonomyConfig

    settings = {key: data.get(key) for key in ("splits", "image_size") if data.get(key)}
    if "splits" not in settings and _lists(data):
        root = pathlib.Path(data.root).expanduser()
        settings["lists"] = {split: root / name for split, name in _lists(data).items()}
    config = TaskonomyConfig(tuple(data.columns), **settings)
    return tfds.builder("taskonomy", config=config, **options)


def _lists(data):
    return {split: name for split, name in data.lists.items() if name}


def _check_split(builder, split):
    if split not in builder.info.splits:
        raise ValueError(
            f"`split` must be one of {sorted(builder.info.splits)}. Received: split={split!r}"
        )
