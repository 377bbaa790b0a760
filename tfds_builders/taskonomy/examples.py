"""Finding and reading the files of the examples. Runs in Beam's workers."""

import re

import numpy as np

from tfds_builders.reading import check_inside, decode_image, expect_image, is_junk
from tfds_builders.taskonomy.sources import Building

# Folder with the buildings' folders, between domain and building, in Omnidata's downloads.
_COMPONENT = "taskonomy"


def list_buildings(root, domains):
    """The buildings of which any domain has files.

    Args:
        root: Folder with the domains' folders, a `tfds.core.Path`.
        domains: Names of the domains.

    Returns:
        Sorted list of `Building`s.

    Raises:
        ValueError: If a domain has no folder, or some have buildings' folders and others files.
    """
    names = set()
    for domain in domains:
        top = root / domain
        if not top.is_dir():
            raise ValueError(
                f"{top}: there is no such folder. `domains` and the manual_dir differ."
            )
        if (top / _COMPONENT).is_dir():
            top = top / _COMPONENT
        found = {path.name for path in top.iterdir() if path.is_dir() and not is_junk(path.name)}
        names.update(found or {None})
    if None in names and len(names) > 1:
        raise ValueError(
            f"{root}: all domains must have folders of buildings, or all must have none. "
            f"Received: folders {sorted(names - {None})[:3]} in some domains only"
        )
    return [Building(name) for name in sorted(names, key=str)]


def _folder(root, domain, building):
    """Folder of a domain's files of a building: the first of the layouts that is there."""
    if building is None:
        return root / domain
    nested = root / domain / _COMPONENT / building
    return nested if nested.is_dir() else root / domain / building


def _views(root, domain, building):
    """Dictionary from `point_{P}_view_{V}` to path."""
    folder = _folder(root, domain, building)
    if not folder.is_dir():
        return {}
    pattern = re.compile(rf"(point_\d+_view_\d+)_domain_{domain}\.png")
    views = {}
    for path in folder.iterdir():
        if path.name.startswith(".") or path.suffix != ".png":
            continue
        match = pattern.fullmatch(path.name)
        if not match:
            raise ValueError(
                f"{path}: must be called point_P_view_V_domain_{domain}.png. Is it in another "
                "domain's folder?"
            )
        views[match[1]] = path
    return views


def _examples_of_building(root, domains, building):
    files = {domain: _views(root, domain, building) for domain in domains}
    for view in sorted(set().union(*files.values())):
        paths = {
            domain: files[domain].get(
                view, _folder(root, domain, building) / f"{view}_domain_{domain}.png"
            )
            for domain in domains
        }
        missing = [path for domain, path in paths.items() if view not in files[domain]]
        yield f"{building}/{view}" if building else view, paths, missing


def _example_of_line(root, domains, path):
    paths = {domain: root / path.replace("{domain}", domain) for domain in domains}
    missing = [file for file in paths.values() if not file.exists()]
    name = path.replace("_domain_{domain}", "").removesuffix(".png")
    return name.removeprefix("{domain}/").removeprefix(f"{_COMPONENT}/"), paths, missing


def find_examples(source, root, domains, missing, count):
    """Lists the examples of a building or of a line. Nothing is decoded.

    Args:
        source: A `Building` or a `Line`.
        root: Folder with the domains' folders, a `tfds.core.Path`.
        domains: Names of the domains.
        missing: `"error"`, or `"skip"` to leave out what is not complete.
        count: Function that is called with `"examples"` for each example that is left out, and
            with `"buildings"` for each building without any file.

    Yields:
        Pairs of the example's id and a dictionary from domain to path.

    Raises:
        ValueError: If a file is missing, unless they are to be left out, or symbolic links lead out
            of the folder.
    """
    if isinstance(source, Building):
        where = ""
        found = list(_examples_of_building(root, domains, source.name))
        if not found:
            if missing == "error":
                folder = _folder(root, domains[0], source.name)
                raise ValueError(
                    f"{folder}: there are no files of this building, nor in the other domains. "
                    "Download it, or leave out what is missing: TaskonomyConfig(missing='skip')."
                )
            count("buildings")
    else:
        where = f"{source.where}: "
        found = [_example_of_line(root, domains, source.path)]
    for name, paths, lacking in found:
        if not lacking:
            for path in paths.values():
                try:
                    check_inside(path, root)
                except ValueError as error:
                    raise ValueError(f"{where}{error}") from None
            yield name, paths
        elif missing == "error":
            raise ValueError(
                f"{where}{lacking[0]}: there is no such file. Download it, or leave out what is "
                "missing: TaskonomyConfig(missing='skip')."
            )
        else:
            count("examples")


def read_example(example, domains, image_size):
    """Reads one example.

    Args:
        example: A pair from `find_examples`.
        domains: Dictionary from name to `Domain`.
        image_size: Height and width that all images must have.

    Returns:
        Pair of id and dictionary from domain to `(height, width, channels)` array, with the values
        of the files, and `"id"`.

    Raises:
        ValueError: If a file is damaged, or of another type or size. The message names it.
    """
    name, paths = example
    images = {"id": name}
    for domain, path in paths.items():
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ValueError(f"{path}: cannot be read: {error}") from error
        image = decode_image(data, str(path))
        expected = domains[domain]
        expect_image(image, str(path), np.dtype(expected.dtype), expected.channels)
        if image.shape[:2] != tuple(image_size):
            raise ValueError(
                f"{path}: all images must be {image_size[0]}x{image_size[1]} (height x width). "
                f"Received: {image.shape[0]}x{image.shape[1]}. If all domains have another size, "
                "use TaskonomyConfig(image_size=(height, width))."
            )
        images[domain] = image
    return name, images
