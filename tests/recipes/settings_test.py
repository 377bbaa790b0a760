import ml_collections
import pytest

from recipes import settings


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
