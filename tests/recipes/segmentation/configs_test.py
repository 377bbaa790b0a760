import importlib
import pathlib

import pytest

from recipes.data.specs import check_specs
from recipes.segmentation import configs
from recipes.segmentation.augmentation import check_augmentation
from recipes.segmentation.data import modality_specs
from recipes.segmentation.model import build_fusion

NAMES = sorted(
    path.stem for path in pathlib.Path(configs.__path__[0]).glob("*.py") if path.stem != "__init__"
)


@pytest.mark.parametrize("name", NAMES)
def test_every_config_is_sound(name):
    config = importlib.import_module(f"recipes.segmentation.configs.{name}").get_config()
    check_specs(modality_specs(config))
    check_augmentation(config.augmentation.to_dict())
    build_fusion(config.fusion)
    assert all(set(s) == {"epochs", "encoder_rate", "decoder_rate"} for s in config.stages)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("nyudv2")])
def test_the_papers_settings(name):
    config = importlib.import_module(f"recipes.segmentation.configs.{name}").get_config()
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


def test_unknown_fusion():
    config = importlib.import_module("recipes.segmentation.configs.default").get_config()
    config.fusion.name = "channel_exchange"
    with pytest.raises(
        ValueError, match=r"`config.fusion.name` must be one of.*'channel_exchange'"
    ):
        build_fusion(config.fusion)
