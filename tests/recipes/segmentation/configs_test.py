import importlib
import pathlib
import re

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
    if config.freeze_statistics:
        config.pretrained = str(tmp_path / "resnet.pth")
        (tmp_path / "resnet.pth").write_text("")
    Segmentation(config).check()


OF_PAPERS = [name for name in NAMES if name.startswith(("nyudv2", "sunrgbd", "default"))]
SEGFORMERS = [name for name in OF_PAPERS if "segformer" in name]
FROZEN = [name for name in OF_PAPERS if not re.search("segformer|realtime", name)]


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_says_how_and_what_is_a_substitute(name):
    module = importlib.import_module(f"recipes.segmentation.configs.{name}")
    for other in re.findall(r"`(\w+)\.py`", module.__doc__):
        assert other in NAMES
    command = re.search(r"--config=(\w+)", module.__doc__)
    assert command is None or command[1] == name


@pytest.mark.parametrize("name", FROZEN)
def test_the_papers_networks_want_pretrained_weights(name):
    with pytest.raises(ValueError, match=r"must be False without `config.pretrained`"):
        Segmentation(config_of(name)).check()


PUBLISHED = [name for name in NAMES if re.match(r"(nyudv2|nyudv2_builder|sunrgbd)_refinenet", name)]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_papers_settings(name):
    config = config_of(name)
    depth, system = name.rpartition("refinenet")[2].split("_")
    assert config.network.backbone == f"resnet{depth}"
    epochs = {"101": 100, "152": 150}[depth]
    assert [stage["epochs"] for stage in config.stages] == [epochs] * 3
    assert [stage["encoder_rate"] for stage in config.stages] == [5e-4, 2.5e-4, 1e-4]
    assert [stage["decoder_rate"] for stage in config.stages] == [3e-3, 1.5e-3, 7e-4]
    expected = {"cen": "channel_exchanging", "asym": "asymmetric_fusion"}[system]
    assert config.fusion.name == expected
    assert config.freeze_statistics and config.batch_size == 6
    depth = config.modalities.depth
    if name.startswith("nyudv2_refinenet"):
        assert len(config.data.class_names) == 40 and depth.scale == 1 / 5000
    else:
        assert depth.unit == "metres" and "scale" not in depth


@pytest.mark.parametrize("name", [name for name in NAMES if "deeplabv3plus" in name])
def test_the_protocol_of_deeplab(name):
    config = config_of(name)
    assert config.inputs == {"rgb": ("rgb",), "depth": ("depth",)}.get(
        name.rpartition("_")[2], ("rgb", "depth")
    )
    (stage,) = config.stages
    assert stage["epochs"] * (2975 // config.batch_size) == pytest.approx(90000, rel=2e-3)
    assert stage["encoder_rate"] == stage["decoder_rate"] == 1e-2
    assert all((side - 1) % 16 == 0 for side in (*config.augmentation.size, *config.data.eval_size))


def test_rdfnet_has_an_encoder_for_each_modality_at_a_tenth_of_the_rate():
    config = config_of("nyudv2_rdfnet101")
    assert not config.fusion.share_encoder
    assert [stage["decoder_rate"] for stage in config.stages] == [1e-4, 1e-5, 1e-6]
    for stage in config.stages:
        assert stage["encoder_rate"] == pytest.approx(stage["decoder_rate"] / 10)


@pytest.mark.parametrize("name", SEGFORMERS)
def test_the_settings_of_token_exchange(name):
    data, _, variant, system = name.split("_")
    config = config_of(name)
    assert config.network.backbone == f"mit_{variant}" and config.network.filters == 256
    assert config.data == config_of(f"{data}_refinenet101_cen").data
    assert [stage["epochs"] for stage in config.stages] == [100] * 3
    assert [stage["encoder_rate"] for stage in config.stages] == [6e-5, 3e-5, 1.5e-5]
    assert [stage["decoder_rate"] for stage in config.stages] == pytest.approx([6e-4, 3e-4, 1.5e-4])
    optimizer = config.optimizer
    assert (optimizer.name, optimizer.l2, optimizer.decay_norms) == ("adamw", 1e-2, False)
    assert (optimizer.decay, optimizer.decay_power, optimizer.warmup_steps) == (
        "polynomial",
        1.0,
        1500,
    )
    assert config.batch_size == 6 and config.fusion.token_threshold == 2e-2
    names = {"tokens": "token_exchanging", "cen": "channel_exchanging"}
    assert config.fusion.name == names.get(system, "private_normalization")
    assert config.inputs == (("rgb",) if system == "rgb" else ("rgb", "depth"))
