import pytest

from recipes.segmentation.configs import default
from recipes.segmentation.corruptions import Sensor
from recipes.segmentation.faults.cells import Fault, make_cells, sensor_of
from recipes.segmentation.faults.summary import by_severity, summarize

RGB = {"channels": 3, "scale": 1 / 255, "std": (0.2, 0.25, 0.5)}
DEPTH = {"channels": 1, "scale": 1e-3, "std": 1.2, "invalid": 0}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("rgb", RGB, "uint8"), Sensor("rgb", "rgb", 255.0)),
        (("rgb_before", {"channels": 3}, "uint16"), Sensor("rgb_before", "rgb", 65535.0)),
        (("rgb", {"channels": 3, "scale": 0.5}, "float32"), Sensor("rgb", "rgb", 2.0)),
        (("rgb", {"channels": 1}, "uint8"), Sensor("rgb")),
        (("depth", DEPTH, "uint16"), Sensor("depth", "depth", 1000.0, 0)),
        (("raw_depth", {"channels": 1}, "uint16", None, 5000), Sensor("raw_depth", "depth", 5000)),
        (
            ("depth", {"channels": 1, "encoding": "log_depth", "invalid": 9}, "uint16", None, 512),
            Sensor("depth", "depth", 512, 9),
        ),
        (("depth", DEPTH, "uint16", "generic"), Sensor("depth", "generic", (1200.0,), 0)),
        (("sar", {"channels": 2, "std": (4.0, 5.0)}, "float32"), Sensor("sar", scale=(4.0, 5.0))),
        (("nir", {"channels": 1, "invalid": (7,)}, "uint8"), Sensor("nir", invalid=(7,))),
    ],
)
def test_sensors_of_specs(arguments, expected):
    found = sensor_of(*arguments)
    assert (found.name, found.kind, found.invalid) == (
        expected.name,
        expected.kind,
        expected.invalid,
    )
    assert found.scale == (expected.scale and pytest.approx(expected.scale))


def test_a_depth_without_a_unit_says_so():
    with pytest.raises(ValueError, match="--kinds=depth=generic"):
        sensor_of("depth", {"channels": 1}, "uint16")


class Facts:
    dtypes = {"a": "uint8", "b": "uint8", "c": "uint8"}
    units_per_metre = None


class Task:
    facts = Facts()
    config = default.get_config()
    modalities = {name: {"channels": 1, "std": 1.0} for name in "abc"}


@pytest.fixture(scope="module")
def cells():
    sensors = {name: Sensor(name, "generic", 1.0) for name in "abc"}
    return make_cells(Task(), sensors, ("a/noise", "shift"), (1, 5))[0]


def test_the_cells_of_three_sensors(cells):
    groups = [cell.group for cell in cells]
    counts = {group: groups.count(group) for group in dict.fromkeys(groups)}
    assert counts == {"clean": 1, "subset": 6, "parts": 7, "noise": 2, "fault": 8}
    assert len({cell.key for cell in cells}) == len(cells)
    by_key = {cell.key: cell for cell in cells}
    assert by_key["subset/a + c"].present == ("a", "c")
    assert [fault.sensor.name for fault in by_key["parts/a + c"].faults] == ["a", "c"]
    assert by_key["fault/b/shift/5"].faults == (Fault(Sensor("b", "generic", 1.0), "shift", 5),)
    assert len(by_key["noise/5"].faults) == 3


def test_means_by_hand(cells):
    found = {cell.key: {"m": 0.5} for cell in cells}
    found["clean"] = {"m": 0.8}
    found["subset/b"] = {"m": 0.1}
    found["parts/a + b + c"] = {"m": 0.15}
    found["noise/5"] = {"m": 0.3}
    found["fault/b/shift/5"] = {"m": 0.2}
    summary = summarize(cells, found, "m")
    assert summary["clean"] == 0.8
    assert summary["EMM"] == pytest.approx((0.8 + 5 * 0.5 + 0.1) / 7)
    assert summary["worst subset"] == ["b", 0.1]
    # 0.9^3 for all, 3 * 0.9^2 0.1 for two of them, 3 * 0.9 0.1^2 for one, without none of them.
    weights = 0.729 * 0.8 + 3 * 0.081 * 0.5 + 0.009 * (0.5 + 0.1 + 0.5)
    assert summary["EMM, expected"] == pytest.approx(weights / 0.999)
    assert summary["RMM"] == pytest.approx((6 * 0.5 + 0.15) / 7)
    expected = 0.729 * 0.8 + 3 * 0.081 * 0.5 + 3 * 0.009 * 0.5 + 0.001 * 0.15
    assert summary["RMM, expected"] == pytest.approx(expected)
    assert summary["NM"] == pytest.approx(0.4)
    assert summary["mean over corruptions"] == pytest.approx((7 * 0.5 + 0.2) / 8)
    assert summary["worst corruption"] == ["b/shift/5", 0.2]
    assert by_severity(cells, found, "m")["b", "shift"] == {1: 0.5, 5: 0.2}
