import pytest

from tfds_builders.taskonomy.config import TaskonomyConfig
from tfds_builders.taskonomy.domains import DOMAINS


def test_names():
    assert TaskonomyConfig().name == "unsplit"
    assert TaskonomyConfig(splits="medium").name == "medium"
    assert list(TaskonomyConfig().domains) == list(DOMAINS)
    two = TaskonomyConfig(["rgb", "normal"], splits="tiny")
    assert two.name.startswith("tiny-")
    assert two.name == TaskonomyConfig(["normal", "rgb"], splits="tiny").name
    others = [
        TaskonomyConfig(["rgb", "reshading"], splits="tiny"),
        TaskonomyConfig(["rgb", "normal"], splits="tiny", missing="skip"),
        TaskonomyConfig(["rgb", "normal"], splits="tiny", image_size=(256, 256)),
        TaskonomyConfig(["rgb", "normal"], splits="tiny", formats={"normal": ("uint16", 1)}),
    ]
    assert len({two.name, *(other.name for other in others)}) == 5


def test_another_list_is_another_data_set(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("{domain}/a.png")
    first = TaskonomyConfig(lists={"train": path})
    assert first.lists == {"train": str(path)} and first.name.startswith("lists-")
    path.write_text("{domain}/b.png")
    assert TaskonomyConfig(lists={"train": path}).name != first.name


def test_lists_in_another_folder_are_another_data_set(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("{domain}/a.png")
    (tmp_path / "same").symlink_to(tmp_path / "one")
    names = {
        root: TaskonomyConfig(lists={"train": path}, root=root and tmp_path / root).name
        for root in ("one", "two", "same", None)
    }
    assert names["one"] == names["same"] and len(set(names.values())) == 3
    names = {TaskonomyConfig(root=root).name for root in (None, tmp_path, tmp_path / "two")}
    assert len(names) == 3
    # Of the official splits the split file decides.
    assert TaskonomyConfig(splits="tiny", root=tmp_path).name == "tiny"


def test_domains_beyond_the_papers():
    config = TaskonomyConfig(["rgb", "keypoints2d"], formats={"keypoints2d": ["uint16", 1]})
    assert config.domains["keypoints2d"].dtype == "uint16"
    assert config.domains["rgb"] == DOMAINS["rgb"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"domains": "rgb"}, "`domains` must be distinct names"),
        ({"domains": []}, "`domains` must be distinct names"),
        ({"domains": ["rgb", "rgb"]}, "`domains` must be distinct names"),
        ({"domains": ["../rgb"]}, "`domains` must hold names of folders"),
        ({"domains": ["id"]}, "`domains` must hold names of folders"),
        ({"domains": ["keypoints2d"]}, r"among .*formats=\{'keypoints2d'"),
        ({"domains": ["x"], "formats": {"x": ("float32", 1)}}, "`formats` must map"),
        ({"splits": "small"}, "`splits` must be one of"),
        ({"splits": "tiny", "lists": {"train": "a.txt"}}, "`splits` must be one of"),
        ({"lists": {"train": "/no/such/list.txt"}}, "`lists` must name readable files"),
        ({"lists": {"../x": "a.txt"}}, "`lists` must map splits"),
        ({"image_size": (512,)}, "`image_size` must be"),
        ({"missing": "ignore"}, "`missing` must be"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        TaskonomyConfig(**arguments)
