import keras
import pytest
import tensorflow as tf

from keras_asym.training import choose_distribution, per_replica_batch_size


def test_no_strategy():
    distribution = choose_distribution("none")
    with distribution.scope():
        assert not tf.distribute.has_strategy()
    assert (distribution.replicas, distribution.hosts, distribution.is_chief) == (1, 1, True)
    assert distribution.chief_first(lambda: 3) == 3


def test_mirrored():
    distribution = choose_distribution("mirrored")
    with distribution.scope():
        assert tf.distribute.has_strategy()
    assert distribution.replicas == len(tf.config.list_logical_devices("CPU"))
    assert distribution.hosts == 1


def test_unknown_strategy():
    with pytest.raises(ValueError, match=r"`strategy` must be one of.*'tpus'"):
        choose_distribution("tpus")


def test_strategy_of_the_other_backend():
    assert keras.backend.backend() == "tensorflow"
    with pytest.raises(ValueError, match=r"KERAS_BACKEND=jax. Received: KERAS_BACKEND=tensorflow"):
        choose_distribution("data_parallel")


@pytest.mark.parametrize("text", ["", "{", '{"cluster": {"worker": []}}'])
def test_several_hosts_must_be_named(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=r"`TF_CONFIG` must name the hosts.*10.0.0.1:12345"):
        choose_distribution("multi_worker")


def test_batches_are_shared_evenly():
    assert per_replica_batch_size(8, 4) == 2
    with pytest.raises(ValueError, match=r"multiple of the 3 replicas.*batch_size=8"):
        per_replica_batch_size(8, 3)
