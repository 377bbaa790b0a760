from tfds_builders.reading import shards


def test_all_keys_in_a_fixed_order():
    keys = [f"frame{i}" for i in range(60)]
    parts = shards(keys)
    assert [len(part) for part in parts] == [25, 25, 10]
    together = [key for part in parts for key in part]
    assert together != keys and sorted(together) == sorted(keys)
    assert shards(keys) == parts


def test_length():
    assert sorted(shards([1, 2, 3], frames_per_shard=1)) == [[1], [2], [3]]
    assert len(shards([1, 2, 3])) == 1
