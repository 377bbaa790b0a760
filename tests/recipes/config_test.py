import json

import ml_collections
import pytest

from recipes import config as configs
from recipes.image_translation import configs as translation_configs
from recipes.image_translation.configs import default as translation_default
from recipes.segmentation import configs as segmentation_configs
from recipes.segmentation.configs import default, rendered_rooms


def changed(*arguments, config=None):
    config = default.get_config() if config is None else config
    configs.override(config.lock(), arguments, default.get_config())
    return config


def test_configs_are_found_by_name():
    assert configs.load("rendered_rooms", segmentation_configs).data.name == "rendered_rooms"
    assert "target" in configs.load("rendered_rooms", translation_configs)
    assert {"default", "folder", "rendered_rooms"} <= set(configs.names(segmentation_configs))
    message = r"`--config` must be one of .*'foldr'; did you mean `folder`\?"
    with pytest.raises(ValueError, match=message):
        configs.load("foldr", segmentation_configs)


def test_configs_are_found_by_path(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from recipes.segmentation.configs import default\n\n"
        "def get_config():\n    config = default.get_config()\n    config.seed = 7\n"
        "    return config\n"
    )
    assert configs.load(str(path), segmentation_configs).seed == 7


def test_the_config_of_a_run_and_of_a_preset(tmp_path):
    config = rendered_rooms.get_config()
    config.modalities.thermal = {"channels": 1, "encoding": "uint16"}
    config.seed = 7
    run, preset = tmp_path / "config.json", tmp_path / "metadata.json"
    run.write_text(configs.to_json(config))
    preset.write_text(json.dumps({"recipe": {"config": json.loads(configs.to_json(config))}}))
    for path in (run, preset):
        found = configs.load(str(path), segmentation_configs)
        assert not list(configs.differences(config, found))
        configs.override(found, ["--config.seed=8"], default.get_config())
        assert found.seed == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read.*double quotes"),
        ('{"recipe": {}}', "cannot be read.*'config'"),
        ("[1]", "must be a run's config.json"),
        ('{"shape": 3}', "must be a run's config.json"),
    ],
)
def test_a_json_file_that_is_no_config(tmp_path, text, message):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        configs.load(str(path), segmentation_configs)


def test_a_json_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"`--config` cannot be read.*mine.json.*No such file"):
        configs.load(str(tmp_path / "mine.json"), segmentation_configs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def get_config(:", "cannot be read.*SyntaxError"),
        ("x = 1", r"must define get_config\(\)"),
        ("def get_config():\n    return 1", "must return a ConfigDict. Received: int"),
        ("def get_config():\n    return 1 / 0", "cannot be read in line 2: ZeroDivisionError"),
    ],
)
def test_a_config_that_is_none(tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"mine.py.*{message}|{message}"):
        configs.load(str(path), segmentation_configs)
    with pytest.raises(ValueError, match="no file"):
        configs.load(str(tmp_path / "other.py"), segmentation_configs)


@pytest.mark.parametrize(
    ("argument", "name", "value"),
    [
        ("--config.batch_size=4", "batch_size", 4),
        ("--config.optimizer.momentum=0", "optimizer.momentum", 0.0),
        ("--config.augmentation.size=(32,48)", "augmentation.size", (32, 48)),
        ("--config.augmentation.size=32,48", "augmentation.size", (32, 48)),
        ("--config.inputs=rgb", "inputs", ("rgb",)),
        ("--config.fusion.modality_dropout=0.3", "fusion.modality_dropout", (0.3,)),
        ("--config.fusion.modality_dropout=uniform", "fusion.modality_dropout", ("uniform",)),
        ("--config.network.decoder_widths=8", "network.decoder_widths", (8,)),
        ("--config.inputs=3", "inputs", (3,)),  # an error of its own, later
        ("--config.inputs=rgb,depth", "inputs", ("rgb", "depth")),
        ("--config.inputs=('rgb','thermal')", "inputs", ("rgb", "thermal")),
        ("--config.data.root=~/42", "data.root", "~/42"),
        ("--config.data.root=42", "data.root", "42"),
        ("--config.data.root='my folder'", "data.root", "my folder"),
        ("--config.freeze_statistics=false", "freeze_statistics", False),
        ("--config.optimizer.clipnorm=1", "optimizer.clipnorm", 1.0),
        ("--config.data.crop_to=rgb", "data.crop_to", "rgb"),
        ("--config.modalities.thermal.channels=1", "modalities.thermal.channels", 1),
        ("--config.modalities.thermal.scale=0.01", "modalities.thermal.scale", 0.01),
        ("--config.modalities.rgb.validity=true", "modalities.rgb.validity", True),
        ("--config.modalities.depth.invalid=65535", "modalities.depth.invalid", 65535),
        ("--config.modalities.depth.invalid=None", "modalities.depth.invalid", None),
        ("--config.modalities.depth.mean=2.5", "modalities.depth.mean", 2.5),
        ("--config.data.lists.night=night.txt", "data.lists.night", "night.txt"),
        ("--config.data.num_examples.extra=3", "data.num_examples.extra", 3),
        ("--config.class_weights=0.5,1.0", "class_weights", (0.5, 1.0)),
        ("--config.class_weights=frequency", "class_weights", ("frequency",)),
        ("--config.fusion.modality_dropout=uniform", "fusion.modality_dropout", ("uniform",)),
        ("--config.fusion.modality_dropout=0.1,0.5", "fusion.modality_dropout", (0.1, 0.5)),
        ("--config.fusion.target_rate=0.25", "fusion.target_rate", 0.25),
    ],
)
def test_any_setting_can_be_set(argument, name, value):
    found = changed(argument)
    for key in name.split("."):
        found = found[key]
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ("rendered_rooms", "fusion.target_rate"),
        ("rendered_rooms_pretrained", "network.weights"),
        ("rendered_rooms_segformer", "network.backbone_width"),
        ("nyudv2_realtime", "network.backbone_width"),
    ],
)
def test_what_is_none_by_default_can_be_set_to_none_again(config, name):
    group, key = name.split(".")
    config = configs.load(config, segmentation_configs)
    assert config[group][key] is not None
    assert changed(f"--config.{name}=None", config=config)[group][key] is None


def test_a_value_may_follow_its_name():
    assert changed("--config.batch_size", "4", "--config.seed=3").batch_size == 4
    with pytest.raises(ValueError, match=r"--config.seed` must be given a value"):
        changed("--config.seed", "--config.batch_size=4")


def test_one_item_of_a_sequence():
    config = changed("--config.stages.1.epochs=7")
    assert [stage["epochs"] for stage in config.stages] == [100, 7, 100]
    assert config.stages[1]["encoder_rate"] == 2.5e-4
    with pytest.raises(ValueError, match=r"`config.stages.3` is no setting.*0, 1, 2"):
        changed("--config.stages.3.epochs=7")


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--config.betch_size=4", "`config.betch_size` is no setting; did you mean `batch_size`"),
        ("--config.augmentation.sise=4", "did you mean `size`"),
        ("--config.dropout=0.1", "did you mean `config.network.dropout`"),
        ("--config.modalities.rgb.sclae=2", "did you mean `scale`"),
        ("--config.batch_size.x=2", "`config.batch_size` has no settings below it"),
        ("--config.batch_size=four", "`config.batch_size` must be a whole number.*Received: four"),
        ("--config.batch_size=4.5", "must be a whole number"),
        ("--config.freeze_statistics=1", "must be true or false"),
        ("--config.inputs=None", "must be a sequence"),
        ("--config.optimizer=sgd", "must be a mapping"),
        ("--config.data.num_examples.train=many", "must be a whole number"),
    ],
)
def test_what_cannot_be_set_is_one_line_with_the_nearest_name(argument, message):
    with pytest.raises(ValueError, match=message) as caught:
        changed(argument)
    assert "\n" not in str(caught.value)


def test_every_setting_goes_through_json_and_back():
    config = rendered_rooms.get_config()
    again = configs.from_json(configs.to_json(config), default.get_config())
    assert not list(configs.differences(config, again))
    assert again.stages == config.stages and again.inputs == config.inputs


def test_an_old_run_gets_the_defaults_of_what_came_later():
    old = json.loads(configs.to_json(rendered_rooms.get_config()))
    del old["early_stopping"], old["data"]["hold_out"], old["optimizer"]["clipnorm"]
    old["data"]["shuffle_buffer"] = 1024  # a setting of version 0.1
    again = configs.from_json(json.dumps(old), default.get_config())
    assert not list(configs.differences(again, rendered_rooms.get_config()))


def test_domains_of_old_translation_runs_are_modalities():
    old = json.loads(configs.to_json(translation_default.get_config()))
    old["domains"] = {"rgb": old["modalities"]["rgb"]}
    del old["modalities"]
    again = configs.from_json(json.dumps(old), translation_default.get_config())
    assert again.modalities.to_dict() == {"rgb": {"channels": 3, "encoding": "uint8"}}


def test_differences_are_named():
    one = ml_collections.ConfigDict({"a": {"b": 1, "c": (1, 2)}, "d": 1})
    two = ml_collections.ConfigDict({"a": {"b": 2, "c": [1, 2]}})
    assert list(configs.differences(one, two)) == [("a.b", 1, 2), ("d", 1, None)]
