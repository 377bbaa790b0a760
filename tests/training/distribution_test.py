import pytest
import tensorflow as tf

from keras_asym.training import per_replica_batch_size, strategy_scope


def test_no_strategy():
    scope, replicas = strategy_scope("none")
    with scope:
        assert not tf.distribute.has_strategy()
    assert replicas == 1


def test_mirrored():
    scope, replicas = strategy_scope("mirrored")
    with scope:
        assert tf.distribute.has_strategy()
    assert replicas == len(tf.config.list_logical_devices("CPU"))


def test_unknown_strategy():
    with pytest.raises(ValueError, match=r"`strategy` must be one of.*'tpus'"):
        strategy_scope("tpus")


def test_batches_are_shared_evenly():
    assert per_replica_batch_size(8, 4) == 2
    with pytest.raises(ValueError, match=r"multiple of the 3 replicas.*batch_size=8"):
        per_replica_batch_size(8, 3)
