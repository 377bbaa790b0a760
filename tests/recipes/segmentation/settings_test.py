import pytest

from recipes.segmentation.configs import rendered_rooms
from recipes.segmentation.task import Segmentation

MISTAKES = [
    ({"stages": ()}, r"`config.stages` must hold at least one stage"),
    ({"stages": ({"epochs": 1, "encoder_rate": 1.0},)}, "no decoder_rate"),
    (
        {"stages": ({"epochs": 0, "encoder_rate": 1.0, "decoder_rate": 1.0},)},
        r"`config.stages.0.epochs` must be a whole number of at least 1",
    ),
    ({"class_weights": ("often",)}, r"`config.class_weights` must be empty, 'frequency'"),
    (
        {"fusion": {"modality_dropout": (0.5, 1.0)}},
        "modality_dropout` must be empty, 'uniform'",
    ),
    ({"fusion": {"modality_dropout": (0.1,) * 3}}, "for all or each of .'rgb', 'depth'"),
    ({"fusion": {"distillation": 1.0}}, "`config.fusion.distillation` must be 0 without"),
    ({"fusion": {"distillation": -1.0}}, "distillation` must be a number at least 0"),
    ({"loss": {"focal_gamma": -1.0}}, "`config.loss.focal_gamma` must be a number at least 0"),
    ({"loss": {"dice_weight": -0.5}}, "`config.loss.dice_weight` must be a number at least 0"),
    ({"fusion": {"ensemble": "mean"}}, "`config.fusion.ensemble` must be one of .*'pixel'"),
    ({"evaluation": {"scales": ()}}, r"`config.evaluation.scales` must be numbers above 0"),
    ({"evaluation": {"scales": (1.0, 0.0)}}, r"`config.evaluation.scales` must be numbers"),
    ({"evaluation": {"window": (32,)}}, r"`config.evaluation.window` must be \(height"),
    ({"evaluation": {"overlap": 1.0}}, r"`config.evaluation.overlap` must be a number"),
    ({"network": {"backbone": "resnet19"}}, r"`config.network.backbone` must be one of"),
    ({"network": {"name": "unet"}}, r"`config.network.name` must be one of"),
    ({"network": {"output_stride": 4}}, r"must be one of \(8, 16, 32\), or None"),
    ({"network": {"auxiliary_weights": (-1.0,)}}, r"a sequence, each item a number"),
    ({"network": {"auxiliary_weights": (0.4,)}}, "'refinenet' can have 0"),
    ({"fusion": {"modality_dropout": ("often",)}}, "modality_dropout` must be empty, 'uniform'"),
    ({"fusion": {"modality_dropout": (-0.1,)}}, "modality_dropout` must be empty, 'uniform'"),
    ({"inputs": ("label",), "modalities": {"label": {"channels": 1}}}, "must not hold 'label'"),
    ({"optimizer": {"name": "sgd", "decay_norms": False}}, "`config.optimizer.decay_norms` must"),
    ({"pretrained": "nowhere.pth"}, "`config.pretrained` must be a file.*which is not there"),
]


@pytest.mark.parametrize(("changes", "message"), MISTAKES)
def test_a_wrong_setting_is_named(changes, message):
    config = rendered_rooms.get_config()
    with config.unlocked():
        config.update(changes)
    with pytest.raises(ValueError, match=message):
        Segmentation(config).check()


@pytest.mark.parametrize("rates", [(), ("uniform",), (0.5,), (0.0, 0.9)])
def test_rates_of_modality_dropout(rates):
    config = rendered_rooms.get_config()
    config.fusion.modality_dropout = rates
    Segmentation(config).check()
