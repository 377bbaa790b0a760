"""Opening the data set that a config names."""

import os
import pathlib

import tensorflow_datasets as tfds

import tfds_builders  # noqa: F401 (registers the builders)
from recipes.data.dataset import DataSet
from tfds_builders.multimodal_folder import MultimodalFolder
from tfds_builders.multimodal_folder.list_file import read_list_file
from tfds_builders.rendered_rooms import rendered_rooms_dataset_builder as rendered_rooms

ARCHIVES = ("nyudv2_rgbd", "sunrgbd_rgbd", "cityscapes_rgbd", "ombria", "ms_mri")
"""Data sets built from archives in the folder `root`; a name may go on with `/CONFIG`."""
SENSORS = "sensors"
"""Configuration of the rendered rooms with six sensors."""
NAMES = ("rendered_rooms", "multimodal_folder", "taskonomy", *ARCHIVES)


def open_dataset(data):
    """Builds (once) and opens a data set.

    | key | of | meaning |
    |---|---|---|
    | `name` | all | one of `NAMES`, an archive's with its configuration: `"nyudv2_rgbd/..."` |
    | `data_dir` | all | where TFDS keeps what it builds; its own default if empty |
    | `file_format` | all | of new data sets: `"tfrecord"`, `"array_record"`, `"parquet"` |
    | `hold_out` | all | share of `train` that becomes the validation split |
    | `report_on` | all | the split that is reported on; test, or else validation if empty |
    | `width`, `height`, `num_examples` | rendered_rooms | pixels; `{split: number}` |
    | `root` | the others | folder of the images and lists, or of the archives |
    | `columns` | folder, taskonomy | the list files' columns; the domains |
    | `lists` | folder, taskonomy | `{split: list file}` in `root`; empty ones are left out |
    | `num_classes`, `class_names` | folder | if there is a column `label` |
    | `label_values`, `void_values` | folder | values of the stored masks, see the same |
    | `crop_to`, `resize` | folder | columns, see `tfds_builders.multimodal_folder` |
    | `splits`, `image_size` | taskonomy | optional, see `tfds_builders.taskonomy` |

    Args:
        data: `ConfigDict` with the keys above.

    Returns:
        `DataSet`.

    Raises:
        ValueError: If there is no such data set, or its files are wrong.
    """
    builder = _builder_of(data)
    download = None
    if data.name.partition("/")[0] in ("taskonomy", *ARCHIVES) and data.root:
        download = tfds.download.DownloadConfig(manual_dir=os.path.expanduser(data.root))
    try:
        builder.download_and_prepare(download_config=download)
    except OSError:
        builder = _builder_of(data)
        if not builder.data_path.exists():
            raise
        print(f"{builder.data_path} has been built by another program in the meantime.")
    return DataSet(builder, data.hold_out, data.report_on)


def _builder_of(data):
    """The builder that a config names."""
    options = {}
    if data.data_dir:
        options["data_dir"] = os.path.expanduser(data.data_dir)
    if data.file_format:
        options["file_format"] = data.file_format
    name = data.name.partition("/")[0]
    if name not in NAMES:
        raise ValueError(f"`config.data.name` must be one of {NAMES}. Received: name={data.name!r}")
    root = os.path.expanduser(data.root)
    if name == "rendered_rooms":
        form = data.name.partition("/")[2]
        if form not in ("", SENSORS):
            raise ValueError(
                f"`config.data.name` must be rendered_rooms or rendered_rooms/{SENSORS}. "
                f"Received: name={data.name!r}"
            )
        config = rendered_rooms.RenderedRoomsConfig(
            data.width, data.height, data.num_examples.to_dict(), sensors=form == SENSORS
        )
        return rendered_rooms.Builder(config=config, **options)
    if name == "multimodal_folder":
        return _folder(data, options)
    if name == "taskonomy":
        return _taskonomy(data, root, options)
    return tfds.builder(data.name, **options)


def open_evaluated(data, facts, split):
    """Opens a run's data set for one of its splits; training images are not needed for it.

    What was built for the training is used, if it still is what the files of the split are; a
    folder's split is built anew otherwise, alone.

    Args:
        data: As for `open_dataset`.
        facts: `Facts` of the run, or `None`.
        split: Name of the split.
    """
    folder = data.name == "multimodal_folder"
    if facts is not None and facts.path and pathlib.Path(facts.path).is_dir():
        dataset = DataSet(tfds.builder_from_directory(facts.path), data.hold_out)
        stored = dataset.stored_split(split)
        if not folder or _stamp(data, stored) in (None, _kept_stamp(dataset, stored)):
            return dataset
    if folder and data.lists.get(split) and not data.hold_out:
        data = data.copy_and_resolve_references()
        with data.unlocked():
            data.lists = {split: data.lists[split]}
            data.report_on = ""
    dataset = open_dataset(data)
    if facts is not None:
        _check_types(dataset.facts(facts.dtypes), facts)
    return dataset


def _check_types(found, facts):
    """Raises `ValueError` where images of another type than the trained ones were built."""
    for name, dtype in facts.dtypes.items():
        if found.dtypes[name] != dtype:
            raise ValueError(
                f"`{name}` must be {dtype}, as the images of the training were: the same distance "
                f"or intensity has other values in {found.dtypes[name]}. Received: "
                f"{found.dtypes[name]} in {found.path}"
            )
    if found.class_names != facts.class_names:
        raise ValueError(
            f"The classes must be those of the training, {facts.class_names}. Received: "
            f"{found.class_names} in {found.path}"
        )


def _kept_stamp(dataset, split):
    return ((dataset.builder.info.metadata or {}).get("stamps") or {}).get(split)


def _stamp(data, split):
    """State of the files of a folder's split, or `None` where they are not all there."""
    try:
        alone = {split: data.lists[split]} if data.lists.get(split) else {}
        config = _folder_config(data, alone)
        for row in read_list_file(config.lists[split], config.columns):
            row.require(config.root)
        return config.stamps[split]
    except (ValueError, KeyError, OSError):
        return None


def _folder_config(data, lists):
    from tfds_builders.multimodal_folder import MultimodalFolderConfig

    if not data.root:
        raise ValueError(
            "`config.data.root` must be the folder with your images and list files: pass "
            "--config.data.root=FOLDER. Received: an empty path"
        )
    columns, options = tuple(data.columns), {}
    if "label" in columns:
        names = tuple(data.class_names) or None
        options["class_names"] = names
        options["num_classes"] = None if names else data.num_classes
        options["label_values"] = tuple(data.get("label_values") or ())
        options["void_values"] = tuple(data.get("void_values") or ())
    return MultimodalFolderConfig(
        root=data.root,
        lists=lists,
        columns=columns,
        crop_to=data.crop_to or None,
        resize=tuple(data.resize),
        **options,
    )


def _folder(data, options):
    return MultimodalFolder(config=_folder_config(data, _lists(data)), **options)


def _taskonomy(data, root, options):
    from tfds_builders.taskonomy.config import TaskonomyConfig

    settings = {key: data.get(key) for key in ("splits", "image_size") if data.get(key)}
    if "splits" not in settings and _lists(data):
        settings["lists"] = {
            split: pathlib.Path(root) / pathlib.Path(name).expanduser()
            for split, name in _lists(data).items()
        }
    config = TaskonomyConfig(tuple(data.columns), root=root or None, **settings)
    return tfds.builder("taskonomy", config=config, **options)


def _lists(data):
    return {split: name for split, name in data.lists.items() if name}
