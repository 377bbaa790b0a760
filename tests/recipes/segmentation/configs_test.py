import importlib
import pathlib

import pytest

from recipes.segmentation import configs
from recipes.segmentation.task import Segmentation

NAMES = sorted(
    path.stem for path in pathlib.Path(configs.__path__[0]).glob("*.py") if path.stem != "__init__"
)


def config_of(name):
    return importlib.import_module(f"recipes.segmentation.configs.{name}").get_config()


@pytest.mark.parametrize("name", NAMES)
def test_every_config_is_sound(name, tmp_path):
    config = config_of(name)
    config.pretrained = str(tmp_path / "resnet.pth")
    (tmp_path / "resnet.pth").write_text("")
    Segmentation(config).check()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("nyudv2")])
def test_the_papers_networks_want_pretrained_weights(name):
    with pytest.raises(ValueError, match=r"must be False without `config.pretrained`"):
        Segmentation(config_of(name)).check()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("nyudv2")])
def test_the_papers_settings(name):
    config = config_of(name)
    depth, system = name.removeprefix("nyudv2_refinenet").split("_")
    assert config.network.backbone == f"resnet{depth}"
    epochs = {"101": 100, "152": 150}[depth]
    assert [stage["epochs"] for stage in config.stages] == [epochs] * 3
    assert [stage["encoder_rate"] for stage in config.stages] == [5e-4, 2.5e-4, 1e-4]
    assert [stage["decoder_rate"] for stage in config.stages] == [3e-3, 1.5e-3, 7e-4]
    expected = {"cen": "channel_exchanging", "asym": "asymmetric_fusion"}[system]
    assert config.fusion.name == expected
    assert config.freeze_statistics and config.batch_size == 6
    assert len(config.data.class_names) == 40
