import collections

import numpy as np
import pytest

from tests.tfds_builders.taskonomy import archive
from tfds_builders.taskonomy.domains import DOMAINS
from tfds_builders.taskonomy.examples import find_examples, list_buildings, read_example
from tfds_builders.taskonomy.sources import Building, Line

FORMATS = {name: DOMAINS[name] for name in archive.DOMAINS}


def find(root, source, missing="error"):
    counts = collections.Counter()
    arguments = {"root": root, "domains": archive.DOMAINS, "missing": missing}
    found = dict(find_examples(source, **arguments, count=lambda what: counts.update([what])))
    return found, counts


@pytest.mark.parametrize("layout", archive.LAYOUTS)
def test_three_layouts(tmp_path, layout):
    archive.write(tmp_path, layout)
    buildings = list_buildings(tmp_path, archive.DOMAINS)
    if layout == "flat":
        assert buildings == [Building(None)]
        names = list(archive.VIEWS)
    else:
        assert [b.name for b in buildings] == ["allensville", "beechwood", "corozal", "darden"]
        names = [f"allensville/{view}" for view in archive.VIEWS]
    found, counts = find(tmp_path, buildings[0])
    assert list(found) == names and not counts
    for view, paths in zip(archive.VIEWS, found.values(), strict=True):
        for domain, path in paths.items():
            assert path == tmp_path / archive.path(domain, "allensville", view, layout)


def test_what_operating_systems_leave_is_no_building(tmp_path):
    archive.write(tmp_path)
    (tmp_path / "rgb/@eaDir").mkdir()
    (tmp_path / "rgb/.DS_Store").write_text("")
    assert len(list_buildings(tmp_path, archive.DOMAINS)) == 4


def test_layouts_may_differ_between_domains(tmp_path):
    archive.write(tmp_path, "buildings", archive.DOMAINS[:2])
    archive.write(tmp_path, "omnidata", archive.DOMAINS[2:])
    assert len(list_buildings(tmp_path, archive.DOMAINS)) == 4
    assert len(find(tmp_path, Building("corozal"))[0]) == 3
    archive.write(tmp_path, "flat", ["reshading"])
    with pytest.raises(ValueError, match="all domains must have folders of buildings"):
        list_buildings(tmp_path, [*archive.DOMAINS, "reshading"])
    with pytest.raises(ValueError, match=r"edge_texture: there is no such folder"):
        list_buildings(tmp_path, [*archive.DOMAINS, "edge_texture"])


def test_file_that_is_missing_in_one_domain(tmp_path):
    archive.write(tmp_path)
    gone = tmp_path / archive.path("normal", "darden", archive.VIEWS[1])
    gone.unlink()
    with pytest.raises(ValueError, match=rf"^{gone}: there is no such file.*missing='skip'"):
        find(tmp_path, Building("darden"))
    found, counts = find(tmp_path, Building("darden"), "skip")
    assert list(found) == [f"darden/{archive.VIEWS[i]}" for i in (0, 2)]
    assert counts == {"examples": 1}


def test_building_that_is_missing(tmp_path):
    archive.write(tmp_path)
    with pytest.raises(ValueError, match=r"rgb/eudora: there are no files of this building"):
        find(tmp_path, Building("eudora"))
    assert find(tmp_path, Building("eudora"), "skip") == ({}, {"buildings": 1})


def test_file_in_the_wrong_folder(tmp_path):
    archive.write(tmp_path)
    (tmp_path / "rgb/darden/.DS_Store").touch()
    (tmp_path / "rgb/darden/readme.txt").touch()
    assert len(find(tmp_path, Building("darden"))[0]) == 3
    (tmp_path / "rgb/darden/point_9_view_9_domain_normal.png").touch()
    with pytest.raises(ValueError, match=r"point_9_view_9_domain_normal\.png: must be called"):
        find(tmp_path, Building("darden"))


@pytest.mark.parametrize("layout", archive.LAYOUTS)
def test_line_of_a_list(tmp_path, layout):
    archive.write(tmp_path, layout)
    view = archive.VIEWS[2]
    folder = archive.LAYOUTS[layout].format(domain="{domain}", building="allensville")
    line = Line(f"{folder}/{view}_domain_{{domain}}.png", "train.txt, line 3")
    ((name, paths),) = find(tmp_path, line)[0].items()
    assert name == (view if layout == "flat" else f"allensville/{view}")
    assert paths["rgb"] == tmp_path / archive.path("rgb", "allensville", view, layout)
    paths["normal"].unlink()
    with pytest.raises(ValueError, match=rf"^train\.txt, line 3: {paths['normal']}: there is no"):
        find(tmp_path, line)
    assert find(tmp_path, line, "skip") == ({}, {"examples": 1})


@pytest.fixture
def example(tmp_path):
    archive.write(tmp_path, buildings=["darden"])
    return next(iter(find(tmp_path, Building("darden"))[0].items()))


def test_values_are_those_of_the_files(example):
    name, images = read_example(example, FORMATS, archive.SIZE)
    assert name == images.pop("id") == f"darden/{archive.VIEWS[0]}"
    assert set(images) == set(archive.DOMAINS)
    for domain, image in images.items():
        expected = archive.array(domain, "darden", archive.VIEWS[0])
        assert image.dtype == expected.dtype and image.ndim == 3
        np.testing.assert_array_equal(image.reshape(expected.shape), expected)


def truncated(path):
    path.write_bytes(path.read_bytes()[:-30])


def wide(path):
    archive.save(path, np.zeros(archive.SIZE, np.uint16))


def large(path):
    archive.save(path, np.zeros((12, 16, 3), np.uint8))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncated, "cannot be read"),
        (wide, "must be uint8 with 3 channels. Received: uint16 with 1 channels"),
        (large, r"must be 6x8 \(height x width\). Received: 12x16"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
)
def test_damaged_file(example, damage, message):
    path = example[1]["normal"]
    damage(path)
    with pytest.raises(ValueError, match=rf"^{path}: .*{message}"):
        read_example(example, FORMATS, archive.SIZE)
