import ml_collections
import numpy as np
import pytest
from PIL import Image

from recipes.image_translation.data import (
    domain_specs,
    open_dataset,
    open_split,
    pipeline_config,
    target_spec,
)
from recipes.image_translation.input_pipeline import eval_dataset


def config_for(data, inputs, target):
    config = ml_collections.ConfigDict({"data": data, "inputs": inputs, "target": target})
    config.domains = {
        "reshading": {"channels": 3, "encoding": "uint8"},
        "depth_euclidean": {"channels": 1, "encoding": "log_depth", "invalid": 65535},
        "rgb": {"channels": 3, "encoding": "uint8"},
    }
    config.augmentation = {"resize": (20, 24), "size": (16, 20), "mirror": 0.5}
    config.data.shuffle_buffer = 8
    return config


@pytest.fixture(scope="module")
def rooms(tmp_path_factory):
    data = {
        "name": "rendered_rooms",
        "data_dir": str(tmp_path_factory.mktemp("data")),
        "width": 32,
        "height": 24,
        "num_examples": {"train": 2, "test": 1},
    }
    return config_for(data, ("reshading", "depth_euclidean"), "rgb")


def test_rendered_rooms(rooms):
    builder = open_dataset(rooms)
    batches = eval_dataset(open_split(builder, "train"), pipeline_config(rooms), 2)
    ((inputs, target, weights),) = batches
    assert list(domain_specs(rooms)) == ["reshading", "depth_euclidean", "rgb"]
    assert target_spec(rooms) == {"channels": 3, "encoding": "uint8"}
    assert inputs["depth_euclidean"].shape == (2, 16, 20, 1)
    assert target.shape == (2, 16, 20, 3) and weights.numpy().tolist() == [1, 1]
    with pytest.raises(ValueError, match=r"`split` must be one of \['test', 'train'\]"):
        open_split(builder, "validation")


def test_domains_that_the_data_set_lacks(rooms):
    config = ml_collections.ConfigDict(rooms.to_dict())
    config.domains.principal_curvature = {"channels": 3}
    config.inputs = ("principal_curvature",)
    with pytest.raises(ValueError, match=r"'reshading'.*Received: \['principal_curvature'\]"):
        open_dataset(config)


def test_unknown_domains(rooms):
    config = ml_collections.ConfigDict(rooms.to_dict())
    config.inputs = ("shade",)
    with pytest.raises(ValueError, match=r"`config.inputs` must name some of .*'shade'"):
        pipeline_config(config)
    config.inputs, config.target = ("reshading",), "painting"
    with pytest.raises(ValueError, match=r"`config.target` must name some of .*'painting'"):
        pipeline_config(config)


def test_a_folder_of_ones_own(tmp_path):
    generator = np.random.default_rng(0)
    lines = []
    for index in range(2):
        paths = []
        for domain in ("reshading", "rgb"):
            path = tmp_path / "mine" / domain / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(generator.integers(0, 256, (12, 16, 3), "uint8")).save(path)
            paths.append(f"{domain}/{index}.png")
        lines.append("\t".join(paths))
    (tmp_path / "mine" / "train.txt").write_text("\n".join(lines))
    data = {
        "name": "multimodal_folder",
        "data_dir": str(tmp_path / "data"),
        "root": str(tmp_path / "mine"),
        "lists": {"train": "train.txt", "test": ""},
        "columns": ("reshading", "rgb"),
    }
    config = config_for(data, ("reshading",), "rgb")
    source = open_split(open_dataset(config), "train")
    ((inputs, _, _),) = eval_dataset(source, pipeline_config(config), 2)
    assert inputs["reshading"].shape == (2, 16, 20, 3)
    (tmp_path / "mine" / "rgb" / "1.png").unlink()
    with pytest.raises(ValueError, match=r"train.txt, line 2: .*rgb/1.png: there is no such file"):
        open_dataset(config)


def test_unknown_data_set(rooms):
    config = ml_collections.ConfigDict(rooms.to_dict())
    config.data.name = "taskonmy"
    with pytest.raises(ValueError, match=r"`config.data.name` must be one of .*'taskonmy'"):
        open_dataset(config)
