import concurrent.futures
import threading

import numpy as np
import pytest

from benchmarks.batching import Batcher, load


def images(value):
    return {"rgb": np.full((1, 2), value)}


@pytest.fixture
def batcher_of():
    made = []

    def make(run, *settings):
        made.append(Batcher(run, *settings))
        return made[-1]

    yield make
    for batcher in made:
        batcher.close()


def test_requests_that_wait_run_together_and_each_gets_its_own_answer(batcher_of):
    started, go, seen = threading.Event(), threading.Event(), []

    def run(batch):
        seen.append(len(batch["rgb"]))
        started.set()
        assert go.wait(30)
        return {"double": 2 * batch["rgb"]}

    batcher = batcher_of(run, 3, 0.0, 1)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(batcher, images(0))]
        assert started.wait(30)
        answers += [pool.submit(batcher, images(value)) for value in range(1, 8)]
        while len(batcher._queue) < 7:
            pass
        go.set()
        doubles = [answer.result()["double"] for answer in answers]
    assert [x.tolist() for x in doubles] == [[[2 * value] * 2] for value in range(8)]
    assert seen == batcher.sizes == [1, 3, 3, 1]


def test_the_first_request_waits_for_others_no_longer_than_it_should(batcher_of):
    batcher = batcher_of(lambda batch: batch, 2, 1e9, 1)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:  # alone it would wait for years
        answers = [pool.submit(batcher, images(value)) for value in range(2)]
        assert [x.result()["rgb"][0, 0] for x in answers] == [0, 1]
    assert batcher.sizes == [2]
    alone = batcher_of(lambda batch: batch, 2, 0.01, 1)
    assert alone(images(5))["rgb"][0, 0] == 5


def test_an_error_is_answered(batcher_of):
    def fail(batch):
        raise ValueError("wrong")

    batcher = batcher_of(fail, 2, 0.0, 1)
    for _ in range(2):
        with pytest.raises(ValueError, match="wrong"):
            batcher(images(1))


def test_every_request_is_counted():
    lock, count = threading.Lock(), [0]

    def answer(_):
        with lock:
            count[0] += 1

    times, rate = load(answer, [images(0)], 3, 0.05)
    assert len(times) == count[0] > 0 and rate > 0 and (times >= 0).all()
