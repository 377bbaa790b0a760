"""Which domains, which examples."""

import dataclasses
import hashlib
import json
import os
import pathlib
import re

import tensorflow_datasets.public_api as tfds

from tfds_builders.taskonomy.domains import DOMAINS, Domain

PARTITIONS = ("tiny", "medium", "full", "fullplus")
IMAGE_SIZE = (512, 512)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def _domains(names, formats):
    """Dictionary from name to `Domain`."""
    formats = formats or {}
    if isinstance(names, str) or not names or len(set(names)) != len(names):
        raise ValueError(f"`domains` must be distinct names. Received: domains={names!r}")
    found = {}
    for name in names:
        if not _NAME.fullmatch(name) or name == "id":
            raise ValueError(f"`domains` must hold names of folders. Received: {name!r}")
        if name in formats:
            dtype, channels = formats[name]
            if dtype not in ("uint8", "uint16") or channels not in (1, 3):
                raise ValueError(
                    '`formats` must map domains to ("uint8" or "uint16", 1 or 3 channels). '
                    f"Received: {name!r}: {formats[name]!r}"
                )
            found[name] = Domain(dtype, channels)
        elif name in DOMAINS:
            found[name] = DOMAINS[name]
        else:
            raise ValueError(
                f"`domains` must be among {list(DOMAINS)}, or their type be given, as "
                f'formats={{{name!r}: ("uint16", 1)}}. Received: {name!r}'
            )
    return found


def _types(domains):
    return sorted([name, domain.dtype, domain.channels] for name, domain in domains.items())


def _absolute(lists):
    """The list files' absolute paths, and their contents' hashes."""
    paths, hashes = {}, {}
    for split, path in lists.items():
        if not _NAME.fullmatch(split):
            raise ValueError(f"`lists` must map splits to list files. Received: {split!r}")
        path = pathlib.Path(path).expanduser().absolute()
        try:
            hashes[split] = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise ValueError(
                f"`lists` must name readable files. Received: {split!r}: {path} ({error})"
            ) from error
        paths[split] = str(path)
    return paths, hashes


def absolute_folder(path):
    """The absolute path of a folder, local or remote, without symbolic links."""
    path = os.fspath(path)
    return path if "://" in path else os.path.realpath(os.path.expanduser(path))


@dataclasses.dataclass(init=False)
class TaskonomyConfig(tfds.core.BuilderConfig):
    """Domains and examples.

    Args:
        domains: Names of the domains.
        splits: `"tiny"`, `"medium"`, `"full"` or `"fullplus"`, of the official file
            `train_val_test_{splits}.csv`.
        lists: Dictionary from split to list file: one example a line, as path with the literal
            `{domain}`, `{domain}/point_407_view_2_domain_{domain}.png`. Without `splits` and
            `lists` every example there is goes to the split `train`.
        formats: Dictionary from domain to type and number of channels, as
            `{"keypoints2d": ("uint16", 1)}`, for domains beyond those of Wang et al. (2020).
        image_size: Height and width that all images must have.
        missing: `"error"`, or `"skip"` to leave out examples of which not every domain is there.
        root: Folder with the domains' folders. Defaults to TFDS' `manual_dir`.
        name: Defaults to that of the split file, followed by a hash of the other arguments and of
            the lists' text if they are not the default ones. Without `splits` the `root` is hashed,
            too: lists of the same text in two folders are two data sets.
        **kwargs: Of `tfds.core.BuilderConfig`.

    Raises:
        ValueError: If an argument is wrong.
    """

    domains: dict = dataclasses.field(default_factory=dict)
    splits: str | None = None
    lists: dict | None = None
    image_size: tuple = IMAGE_SIZE
    missing: str = "error"
    root: str | None = None

    def __init__(
        self,
        domains=tuple(DOMAINS),
        splits=None,
        lists=None,
        formats=None,
        image_size=IMAGE_SIZE,
        missing="error",
        root=None,
        *,
        name=None,
        **kwargs,
    ):
        if splits is not None and (splits not in PARTITIONS or lists is not None):
            raise ValueError(
                f"`splits` must be one of {PARTITIONS}, or left out where `lists` are given. "
                f"Received: splits={splits!r}, lists={lists!r}"
            )
        if missing not in ("error", "skip"):
            raise ValueError(f"`missing` must be 'error' or 'skip'. Received: missing={missing!r}")
        if len(image_size) != 2 or any(size < 1 for size in image_size):
            raise ValueError(
                f"`image_size` must be height and width. Received: image_size={image_size}"
            )
        self.domains = _domains(domains, formats)
        self.splits = splits
        self.lists, hashes = (None, None) if lists is None else _absolute(lists)
        self.image_size = tuple(image_size)
        self.missing = missing
        self.root = None if root is None else absolute_folder(root)
        if name is None:
            name = splits or ("lists" if lists else "unsplit")
            content = [_types(self.domains), hashes, self.image_size, missing]
            content += [self.root] if self.root and not splits else []
            if content != [_types(DOMAINS), None, IMAGE_SIZE, "error"]:
                digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
                name = f"{name}-{digest}"
        kwargs.setdefault("description", f"Domains {', '.join(self.domains)}.")
        super().__init__(name=name, **kwargs)
