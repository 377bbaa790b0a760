import pytest

from recipes.image_translation.configs import rendered_rooms
from recipes.image_translation.task import ImageTranslation

MISTAKES = [
    ({"precision": "mixed_float16"}, "use mixed_bfloat16"),
    ({"augmentation": {"size": (8, 8), "resize": (8, 8)}}, "at least 11 pixels"),
    ({"augmentation": {"size": (24, 32)}}, "multiples of the generator's stride"),
    ({"modalities": {"rgb": {"stem": "fresh"}}}, "`config.modalities.rgb.stem` must be None"),
    ({"generator": {"name": "vnet"}}, "`config.generator.name` must be one of"),
]


@pytest.mark.parametrize(("changes", "message"), MISTAKES)
def test_a_wrong_setting_is_named(changes, message):
    config = rendered_rooms.get_config()
    with config.unlocked():
        config.update(changes)
    with pytest.raises(ValueError, match=message):
        ImageTranslation(config).check()
