"""How long a training step takes on N devices: a small model, and a check of it.

    python -m benchmarks.scale
    python -m benchmarks.scale --check

The first prints what the model says for 8 to 256 accelerators of the given kind. The second
measures 1, 2 and 4 replicas on this machine (logical CPU devices, the same examples for each
replica) beside what the model says of its parts: the step of one replica, and the all-reduce of the
gradients alone. The model, with N replicas in hosts of H:

    step(N) = max(compute + reduce(N), input(N))
    reduce(N) = 2 (h - 1) / h * bytes / fast + 2 (n - 1) / n * bytes / (h * slow) + 2 n * latency
    input(N) = examples of a host / (cores * examples a second of a core)

where h = min(N, H) replicas are in a host, n = N / h hosts, `fast` and `slow` are the bandwidths
inside of a host and between hosts, and nothing of the reduction is hidden behind the backward pass.
The bytes are those of the shared kernels, once for all modalities, and of the private norms.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys

import numpy as np


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Accelerators, their network and the hosts that feed them; seconds, bytes, examples.

    Attributes:
        compute: Seconds of one replica's step, without communication.
        size: Bytes of the gradients.
        batch: Examples of one replica.
        fast: Bytes a second between the accelerators of a host.
        slow: Bytes a second between hosts, of one host.
        latency: Seconds of a message between hosts.
        per_host: Accelerators of a host.
        read: Examples a second that one core prepares.
        cores: Cores of a host.
    """

    compute: float
    size: float
    batch: float
    fast: float
    slow: float
    latency: float
    per_host: int
    read: float
    cores: int

    def reduce(self, replicas):
        """Seconds of the all-reduce: a ring in each host, and one over the hosts of its shares."""
        inside = min(replicas, self.per_host)
        hosts = replicas / inside
        return (
            2 * (inside - 1) / inside * self.size / self.fast
            + 2 * (hosts - 1) / hosts * self.size / self.slow
            + (2 * hosts * self.latency if hosts > 1 else 0.0)
        )

    def input(self, replicas):
        """Seconds that a host needs for the examples of its replicas' step."""
        return min(replicas, self.per_host) * self.batch / (self.cores * self.read)

    def step(self, replicas):
        """Seconds of a step."""
        return max(self.compute + self.reduce(replicas), self.input(replicas))

    def efficiency(self, replicas):
        """Examples a second beside those of so many replicas that need not wait for anything."""
        return self.compute / self.step(replicas)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="measure 1, 2 and 4 replicas here")
    parser.add_argument("--replicas", type=int, help="of --check: measure so many, as JSON")
    parser.add_argument("--parameters", type=float, default=118.1e6, help="RefineNet-101, CEN")
    parser.add_argument("--flop", type=float, default=1.6e12, help="of one example, trained")
    parser.add_argument("--rate", type=float, default=30e12, help="FLOP/s that a device sustains")
    parser.add_argument("--batch", type=int, default=6, help="examples of a replica")
    parser.add_argument("--fast", type=float, default=200e9, help="bytes/s inside of a host")
    parser.add_argument("--slow", type=float, default=12.5e9, help="bytes/s of a host's network")
    parser.add_argument("--latency", type=float, default=20e-6, help="seconds, between hosts")
    parser.add_argument("--per-host", type=int, default=8)
    parser.add_argument("--read", type=float, default=30.0, help="examples/s of one core")
    parser.add_argument("--cores", type=int, default=96, help="of a host")
    parser.add_argument("--repetitions", type=int, default=7)
    options = parser.parse_args()
    if options.replicas:
        print(json.dumps(_measure(options.replicas, options.repetitions)))
        return
    if options.check:
        _check(options)
        return
    cluster = Cluster(
        options.batch * options.flop / options.rate,
        4 * options.parameters,
        options.batch,
        options.fast,
        options.slow,
        options.latency,
        options.per_host,
        options.read,
        options.cores,
    )
    print(table(cluster))


def table(cluster, counts=(1, 8, 16, 32, 64, 128, 256)):
    """What a cluster does with so many replicas, as text."""
    wanted = cluster.batch / cluster.compute
    rows = [
        f"{4 * cluster.size / 4e6:.0f} MB of gradients; a device eats {wanted:.1f} examples/s, "
        f"{wanted / cluster.read:.1f} cores of input each",
        f"{'devices':>8} {'compute':>9} {'reduce':>9} {'input':>9} {'step':>9} "
        f"{'examples/s':>11} {'efficiency':>11}  bound by",
    ]
    for count in counts:
        times = cluster.compute, cluster.reduce(count), cluster.input(count), cluster.step(count)
        bound = "network" if times[1] > times[0] else "compute"
        bound = "input" if times[2] > times[0] + times[1] else bound
        text = " ".join(f"{1e3 * x:6.0f} ms" for x in times)
        rate = count * cluster.batch / times[3]
        rows.append(
            f"{count:8} {text} {rate:11.0f} {100 * cluster.efficiency(count):10.0f} %  {bound}"
        )
    return "\n".join(rows)


def _check(options):
    # In a process each: TensorFlow's groups of replicas belong to one.
    measured = {}
    for count in (1, 2, 4):
        command = [sys.executable, "-m", "benchmarks.scale", f"--replicas={count}"]
        command.append(f"--repetitions={options.repetitions}")
        process = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        measured[count] = json.loads(process.stdout.splitlines()[-1])
    cores = len(os.sched_getaffinity(0))
    alone = measured[1][0]
    print(f"{'replicas':>8} {'step':>10} {'all-reduce alone':>18} {'the model says':>16}")
    for count, (step, reduce) in measured.items():
        # Replicas of one machine share its cores: `count` steps one after the other.
        said = count * alone + reduce
        print(
            f"{count:8} {1e3 * step:7.0f} ms {1e3 * reduce:15.1f} ms {1e3 * said:13.0f} ms "
            f"{said / step:6.2f}"
        )
    print(f"{cores} core(s), medians of {options.repetitions}")


def _measure(count, repetitions):
    """Seconds of a step of `count` replicas, and of the all-reduce of its gradients alone."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    from keras_asym import fusion, models, networks
    from keras_asym.profile.runtimes import seconds

    device = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration()] * count
    tf.config.set_logical_device_configuration(device, logical)
    keras.utils.set_random_seed(0)
    strategy = tf.distribute.MirroredStrategy([f"CPU:{index}" for index in range(count)])
    with strategy.scope():
        network = networks.RefineNet("resnet18", 13, "light", (64, 32, 32, 32), 16)
        model = models.Segmenter(
            network, {"rgb": 3, "depth": 1}, fusion.ChannelExchanging(), synchronized=False
        )
        model.compile(keras.optimizers.SGD(1e-3, momentum=0.9), jit_compile=False)
        model.make_train_function()
    generator = np.random.default_rng(0)
    shape = (4 * count, 96, 128)
    x = {
        "rgb": generator.standard_normal((*shape, 3)).astype("float32"),
        "depth": generator.standard_normal((*shape, 1)).astype("float32"),
    }
    y = generator.integers(0, 13, shape).astype("int32")
    data = tf.data.Dataset.from_tensors((x, y)).repeat().prefetch(2)
    batches = iter(strategy.experimental_distribute_dataset(data))
    gradients = [tf.zeros(w.shape) for w in model.trainable_weights]

    @tf.function
    def reduce():
        def sums():
            context = tf.distribute.get_replica_context()
            return context.all_reduce("sum", [x + 1.0 for x in gradients])

        return strategy.run(sums)

    def median(function):
        return float(np.median(seconds(function, repetitions)))

    # Its metrics are read, as `fit` reads them.
    step = model.train_function
    first = median(lambda: keras.tree.map_structure(np.asarray, step(batches)))
    return first, median(reduce) if count > 1 else 0.0


if __name__ == "__main__":
    main()
