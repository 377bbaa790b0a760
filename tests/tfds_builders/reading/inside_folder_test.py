import pytest

from tfds_builders.reading import FolderArchive, check_inside, path_inside


@pytest.fixture
def folder(tmp_path):
    """A data folder, reached by a link, beside a secret; with links inside and out."""
    (tmp_path / "disk/top/rgb").mkdir(parents=True)
    (tmp_path / "disk/top/rgb/1.png").write_text("picture")
    (tmp_path / "home").mkdir()
    (tmp_path / "home/key").write_text("secret")
    (tmp_path / "data").symlink_to("disk")
    top = tmp_path / "data/top"
    (top / "same.png").symlink_to("rgb/1.png")
    (top / "key.png").symlink_to(tmp_path / "home/key")
    (top / "home").symlink_to("../../home")
    return tmp_path / "data"


def test_links_within_and_to_the_folder_are_fine(folder):
    for name in ("top/rgb/1.png", "top/same.png", "top\\rgb\\1.png"):
        assert path_inside(folder, name).read_text() == "picture"
    assert path_inside(folder, "top/none.png") == folder / "top/none.png"
    assert check_inside("gs://bucket/a/b", "gs://bucket/a") == "gs://bucket/a/b"


@pytest.mark.parametrize(
    ("name", "link"), [("top/key.png", "top/key.png"), ("top/home/key", "top/home")]
)
def test_links_that_leave_the_folder(folder, name, link):
    target = (folder / link).resolve()
    message = rf"{name}: the symbolic link .*{link} leads to {target}.*, out of the folder {folder}"
    with pytest.raises(ValueError, match=message):
        path_inside(folder, name)
    archive = FolderArchive(folder)
    for call in (archive.read, archive.local_path, archive.__contains__, archive.read_image):
        with pytest.raises(ValueError, match=rf"^{folder}, member {name}: .*{message}"):
            call(name)


def test_members_do_not_pass_over_such_links(folder):
    with pytest.raises(ValueError, match=r"the symbolic link .* out of the folder"):
        FolderArchive(folder).members()
    (folder / "top/key.png").unlink()
    (folder / "top/home").unlink()
    assert FolderArchive(folder).members() == ["top/rgb/1.png", "top/same.png"]
