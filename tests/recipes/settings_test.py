import keras
import ml_collections
import pytest

from recipes import settings
from recipes.config import all_names
from recipes.image_translation.task import ImageTranslation
from recipes.segmentation.task import Segmentation


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (settings.whole(1), [1, 5], [0, -1, 1.0, True, "1", None, (1,)]),
        (settings.number(0, 1), [0, 0.5, 0.999], [-0.1, 1, float("nan"), "0", True, ()]),
        (settings.number(above=0), [1e-9, 3], [0, -1, float("inf")]),
        (settings.one_of(("a", "b")), ["a"], ["c", 1, None]),
        (settings.flag(), [True, False], [1, "true"]),
        (settings.size(), [(1, 2), [3, 4]], [(), (1,), (0, 1), (1.5, 2), 3, "12"]),
        (settings.size(optional=True), [(), (1, 2)], [(1,), (-1, 2)]),
        (settings.pattern(), ["", "a|b"], ["(", 3]),
        (settings.names(), [(), ("a", "b")], ["ab", ("a", "a"), ("",), 3]),
        (settings.sequence(settings.whole(1), 2), [(1, 2)], [(1,), (1, 0), 3]),
        (settings.distinct_names(), [("a",), ("a", "b")], [(), ("a", "a"), (1,), 3]),
    ],
)
def test_rules(rule, good, bad):
    for value in good:
        settings.check(ml_collections.ConfigDict({"a": {"b": value}}), {"a.b": rule})
    for value in bad:
        config = ml_collections.ConfigDict({"a": ml_collections.ConfigDict()})
        config.a.b = value
        with pytest.raises(ValueError, match=r"`config.a.b` must be .*Received: b="):
            settings.check(config, {"a.b": rule})


def test_keys():
    settings.check_keys("stages.0", {"epochs": 1, "rate": 2}, ("epochs",), ("rate",))
    with pytest.raises(
        ValueError, match=r"`stages.0` must have the keys.*no epochs, unknown epoch"
    ):
        settings.check_keys("stages.0", {"epoch": 1}, ("epochs",))
    with pytest.raises(ValueError, match="must be a mapping"):
        settings.check_keys("stages.0", 3, ("epochs",))


ELSEWHERE = {
    Segmentation: (
        *("modalities", "stages", "class_weights", "data.lists", "data.num_examples"),
        *("augmentation.scale", "augmentation.shorter_side", "fusion.modality_dropout"),
    ),
    ImageTranslation: ("modalities", "data.lists", "data.num_examples", "data.splits"),
}
"""Settings that the tasks, the specs and the builders check themselves."""


@pytest.mark.parametrize("task", ELSEWHERE)
def test_every_setting_has_a_rule(task):
    names = all_names(task.default_config())
    checked = {*settings.RULES, *task.rules}
    missing = [
        name for name in names if name not in checked and not name.startswith(ELSEWHERE[task])
    ]
    assert not missing


@pytest.mark.parametrize(
    ("backend", "asked", "expected"),
    [("tensorflow", False, False), ("tensorflow", True, True), ("jax", False, True)],
)
def test_jax_is_always_compiled(monkeypatch, backend, asked, expected):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    config = Segmentation.default_config()
    config.jit_compile = asked
    assert settings.compiles(config) is expected
