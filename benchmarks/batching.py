"""Do requests that run together come back sooner? Dynamic batching at 1, 4 and 16 clients.

    python -m benchmarks.batching

The demo's real-time Segmenter is exported and loaded as TF Serving loads it (a TensorFlow 1
session). Requests wait in one queue as in TF Serving's scheduler: a batch is closed when it has
`max_batch_size` requests or its first one has waited `batch_timeout_micros`, and runs on one of
`num_batch_threads`. Each client sends its next request when the answer is there. Printed are
requests a second and the 50th and 99th percentile of the time of a request, one row for each
setting, all settings in turn. `off` runs each request at once, in the client's own thread.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import tempfile
import threading
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

# Name -> max_batch_size, batch_timeout_micros, num_batch_threads.
SETTINGS = {
    "off": None,  # what follows is what was and what is the default of the export
    "8, 2000 us, 2": (8, 2000, 2),
    "8, 0 us, 2": (8, 0, 2),
    "8, 0 us, 1": (8, 0, 1),
    "4, 0 us, 2": (4, 0, 2),
    "16, 0 us, 1": (16, 0, 1),
}


class Batcher:
    """Puts waiting requests together, as TF Serving's scheduler does.

    Args:
        run: Function of a dictionary of arrays with a batch axis, which gives one.
        max_batch_size: Most requests of a batch.
        timeout: Seconds for which the first request of a batch waits for others.
        threads: Batches that run at a time.
    """

    def __init__(self, run, max_batch_size, timeout, threads):
        self.run = run
        self.max_batch_size = max_batch_size
        self.timeout = timeout
        self.sizes = []
        self._queue = collections.deque()
        self._changed = threading.Condition()
        self._open = True
        self._threads = [threading.Thread(target=self._work) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def __call__(self, images):
        """The answer to one request, `(1, ...)` arrays."""
        answer = concurrent.futures.Future()
        with self._changed:
            self._queue.append((time.perf_counter(), images, answer))
            self._changed.notify()
        return answer.result()

    def close(self):
        with self._changed:
            self._open = False
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self):
        while (batch := self._next()) is not None:
            images = {
                name: np.concatenate([request[1][name] for request in batch])
                for name in batch[0][1]
            }
            try:
                outputs = self.run(images)
            except Exception as error:  # is answered to all of them
                for _, _, answer in batch:
                    answer.set_exception(error)
                continue
            for index, (_, _, answer) in enumerate(batch):
                answer.set_result({key: x[index : index + 1] for key, x in outputs.items()})

    def _next(self):
        with self._changed:
            while True:
                if self._queue:
                    left = self._queue[0][0] + self.timeout - time.perf_counter()
                    if len(self._queue) >= self.max_batch_size or left <= 0 or not self._open:
                        size = min(len(self._queue), self.max_batch_size)
                        self.sizes.append(size)
                        return [self._queue.popleft() for _ in range(size)]
                    self._changed.wait(left)
                elif not self._open:
                    return None
                else:
                    self._changed.wait()


def load(answer, images, clients, seconds):
    """Clients that ask one after the other; seconds of each request, and requests a second."""
    end = time.perf_counter() + seconds

    def client(number):
        times = []
        while time.perf_counter() < end:
            start = time.perf_counter()
            answer(images[(number + len(times)) % len(images)])
            times.append(time.perf_counter() - start)
        return times

    start = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        times = [x for each in pool.map(client, range(clients)) for x in each]
    return np.array(times), len(times) / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--height", type=int, default=120)
    parser.add_argument("--width", type=int, default=160)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--seconds", type=float, default=3.0, help="of a setting in each turn")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    run = _session(options.height, options.width)
    generator = np.random.default_rng(0)
    size = (1, options.height, options.width)
    images = [
        {
            "rgb": generator.integers(0, 256, (*size, 3)).astype("uint8"),
            "depth": generator.integers(0, 5000, (*size, 1)).astype("uint16"),
        }
        for _ in range(16)
    ]
    for batch in (1, 2, 4, 8, 16):  # each size is planned once
        run({name: np.repeat(images[0][name], batch, axis=0) for name in images[0]})
    print(f"{options.height}x{options.width}; max_batch_size, timeout, threads", flush=True)
    for clients in options.clients:
        _compare(run, images, clients, options)


def _compare(run, images, clients, options):
    found = {name: [] for name in SETTINGS}
    sizes = dict.fromkeys(SETTINGS, 1.0)
    for _ in range(options.turns):
        for name, setting in SETTINGS.items():
            if setting is None:
                found[name].append(load(run, images, clients, options.seconds))
                continue
            batcher = Batcher(run, setting[0], setting[1] * 1e-6, setting[2])
            found[name].append(load(batcher, images, clients, options.seconds))
            batcher.close()
            sizes[name] = np.mean(batcher.sizes)
    for name, turns in found.items():
        rate = np.median([turn[1] for turn in turns])
        half, tail = 1e3 * np.percentile(np.concatenate([turn[0] for turn in turns]), (50, 99))
        print(
            f"{clients:3} clients  {name:16} {rate:7.1f} requests/s  p50 {half:6.0f} ms  "
            f"p99 {tail:6.0f} ms  {sizes[name]:.1f} a batch",
            flush=True,
        )


def _session(height, width):
    import tensorflow as tf

    from keras_asym import fusion, models, networks
    from keras_asym.export import export_saved_model
    from keras_asym.profile.runtimes import open_session

    network = networks.Realtime(num_classes=13, backbone_width=16)
    sites = r"stack[3-6]_block\d+_2_bn$"
    model = models.Segmenter(
        network, {"rgb": 3, "depth": 1}, fusion.ChannelExchanging(target_rate=0.5, sites=sites)
    )
    with tempfile.TemporaryDirectory() as folder:
        version = export_saved_model(
            model,
            pathlib.Path(folder),
            {"rgb": "uint8", "depth": "uint16"},
            lambda name, image: tf.cast(image, "float32") / (255 if name == "rgb" else 5000),
            outputs=("classes",),
            side_by_side=True,
        )
        return open_session(version)


if __name__ == "__main__":
    main()
