"""Two steps and an evaluation of every config of a public data set, on archives of its layout."""

import functools

import pytest
import tensorflow_datasets as tfds

from recipes.config import to_json
from recipes.data.datasets import ARCHIVES
from recipes.dry_run import dry_run
from recipes.segmentation.task import Segmentation
from recipes.train import make_training
from tests.recipes.segmentation.configs_test import NAMES, config_of
from tests.tfds_builders.cityscapes_rgbd import archives as cityscapes
from tests.tfds_builders.nyudv2_rgbd import official_files as nyudv2
from tests.tfds_builders.ombria import repository as ombria
from tests.tfds_builders.sunrgbd_rgbd import official_archives as sunrgbd
from tfds_builders.cityscapes_rgbd import CityscapesRGBDConfig

BUILT = [name for name in NAMES if config_of(name).data.name.partition("/")[0] in ARCHIVES]
# Another config of the same data and network is run, and others of one input and of each exchange.
SLOW = {
    "cityscapes_deeplabv3plus_cen",
    "cityscapes_deeplabv3plus_depth",
    "nyudv2_builder_refinenet101_cen",
    "sunrgbd_refinenet101_asym",
    "sunrgbd_segformer_b2_cen",
    "sunrgbd_segformer_b2_private",
    "sunrgbd_segformer_b2_rgb",
}
NARROW = {"resnet101": "resnet18", "resnet152": "resnet18", "xception65": "resnet18"}
NARROW |= {"mit_b2": "mit_b0", "mit_b3": "mit_b0"}

pytestmark = [
    pytest.mark.usefixtures("short_networks", "without_graphs"),
    pytest.mark.filterwarnings("ignore:.*__array__ impl.*:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Function of a data set's name that writes its archives and names their folder."""

    @functools.cache
    def write(name):
        folder = tmp_path_factory.mktemp(name)
        if name == "nyudv2_rgbd":
            nyudv2.write_official(folder, nyudv2.make_frames())
        elif name == "sunrgbd_rgbd":
            frames = sunrgbd.make_frames()
            sunrgbd.write_zip(folder / "SUNRGBD.zip", sunrgbd.image_members(frames))
            sunrgbd.write_zip(folder / "SUNRGBDtoolbox.zip", sunrgbd.toolbox_members(frames))
        elif name == "ombria":
            ombria.write_folder(folder, ombria.files())
        else:
            cityscapes.write_zips(folder, cityscapes.contents())
        return folder

    return write


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return str(tmp_path_factory.mktemp("data"))


def shrunk(config, folder, data_dir):
    """The config with an encoder of few and narrow layers, small images and small archives."""
    config.data.update(root=str(folder), data_dir=data_dir)
    config.network.backbone = NARROW.get(config.network.backbone, config.network.backbone)
    config.network.backbone_width = 4
    config.network.decoder_widths = (8, 8, 8, 8)
    if config.network.name != "refinenet":
        config.network.update(filters=8, skip_filters=6)
    config.augmentation.update(size=(33, 33), shorter_side=33)
    config.batch_size = 2
    config.freeze_statistics = False  # without ImageNet weights
    config.stages = tuple({**stage, "epochs": 1} for stage in config.stages)
    name, _, form = config.data.name.partition("/")
    if name == "cityscapes_rgbd":
        divisor = {"full": 1, "half": 2}[form]
        small = CityscapesRGBDConfig(divisor, cityscapes.SIZE, cityscapes.NUM_EXAMPLES)
        config.data.name = f"{name}/{small.name}"
        config.data.eval_size = (17, 33) if config.data.eval_size else ()
    return config


@pytest.fixture(scope="module", autouse=True)
def small_cityscapes():
    """Archives of three frames are known by name, too."""
    builder = tfds.builder_cls("cityscapes_rgbd")
    forms = [
        CityscapesRGBDConfig(divisor, cityscapes.SIZE, cityscapes.NUM_EXAMPLES)
        for divisor in (1, 2)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "BUILDER_CONFIGS", [*builder.BUILDER_CONFIGS, *forms])
        builder.builder_configs.update({form.name: form for form in forms})
        yield
        for form in forms:
            del builder.builder_configs[form.name]


@pytest.fixture(scope="module")
def tried():
    """The shrunk configs that were run: those of ResNet-152 are another's."""
    return set()


def test_slow_ones_are_configs():
    assert set(BUILT) > SLOW


@pytest.mark.parametrize(
    "name", [pytest.param(x, marks=pytest.mark.slow if x in SLOW else ()) for x in BUILT]
)
def test_two_steps_and_an_evaluation(name, archives, data_dir, tried, capsys):
    config = config_of(name)
    data, _, form = config.data.name.partition("/")
    assert not form or form in tfds.builder_cls(data).builder_configs
    config = shrunk(config, archives(data), data_dir)
    if to_json(config) in tried:
        return
    tried.add(to_json(config))
    task = Segmentation(config)
    dry_run(task, make_training)
    assert "Parameters:" in capsys.readouterr().out
    units = {"cityscapes_rgbd": 200, "nyudv2_rgbd": 5000, "sunrgbd_rgbd": 1000}.get(data)
    if units and "depth" in config.inputs and config.modalities.depth.get("unit"):
        assert task.modalities["depth"]["scale"] == 1 / units
