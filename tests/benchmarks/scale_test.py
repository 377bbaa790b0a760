import pytest

from benchmarks.scale import Cluster, table

# 2 s of compute, 8 GB/s inside of hosts of 4 and 1 GB/s between them, 1 GB of gradients.
CLUSTER = Cluster(
    compute=2.0,
    size=1e9,
    batch=3,
    fast=8e9,
    slow=1e9,
    latency=1e-3,
    per_host=4,
    read=5.0,
    cores=6,
)


@pytest.mark.parametrize(
    ("replicas", "seconds"),
    [
        (1, 0.0),
        (2, 2 / 2 / 8),
        (4, 2 * 3 / 4 / 8),
        (8, 2 * 3 / 4 / 8 + 2 / 2 + 4e-3),
        (16, 2 * 3 / 4 / 8 + 2 * 3 / 4 + 8e-3),
    ],
)
def test_the_all_reduce(replicas, seconds):
    assert CLUSTER.reduce(replicas) == pytest.approx(seconds)


def test_the_slower_of_compute_and_input():
    assert CLUSTER.input(2) == pytest.approx(2 * 3 / 30)
    assert CLUSTER.step(4) == pytest.approx(2 + 2 * 3 / 4 / 8)
    slow = Cluster(**{**vars(CLUSTER), "read": 0.5})
    assert slow.step(4) == slow.step(8) - 0 * slow.size == pytest.approx(4 * 3 / 3)
    assert slow.efficiency(4) == pytest.approx(0.5)


def test_the_table_says_what_bounds():
    text = table(CLUSTER, (1, 16))
    assert "1000 MB of gradients" in text and "1.5 examples/s" in text
    first, last = text.splitlines()[-2:]
    assert first.split()[0] == "1" and first.endswith("compute") and "100 %" in first
    assert last.split()[0] == "16" and f"{1e3 * CLUSTER.step(16):.0f} ms" in last
    assert table(Cluster(**{**vars(CLUSTER), "read": 0.5}), (4,)).endswith("input")
