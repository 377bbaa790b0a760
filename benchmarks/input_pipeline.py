"""Speed of the segmentation input pipeline beside OpenCV in a PyTorch DataLoader.

    python -m benchmarks.input_pipeline

Both read the same examples of 480x640 pixels, as the same encoded PNGs (RGB, 16-bit depth, mask),
decode them and apply the papers' training augmentation: scale 0.5 to 2 with a shorter side of at
least 350 (bicubic RGB, nearest depth and mask), padding to 500, mirror, crop of 500x500,
normalization, batches of 6. The two are measured in turn, in one run, on rendered rooms that are
built first (a minute); each turn opens its pipeline anew and closes it, so that neither prepares
batches while the other one is measured. Printed are examples a second, the median over the turns,
and the CPU time of an example, in which other work on the machine counts less.
"""

import argparse
import gc
import os
import pathlib
import resource
import time

import numpy as np

BATCH_SIZE = 6
SIZE = (500, 500)
AUGMENTATION = {"size": SIZE, "scale": (0.5, 2.0), "shorter_side": 350, "mirror": 0.5}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MODALITIES = {
    "rgb": {
        "channels": 3,
        "scale": 1 / 255,
        "mean": MEAN,
        "std": STD,
        "interpolation": "bicubic",
    },
    "depth": {"channels": 1, "scale": 1e-3, "interpolation": "nearest"},
}
IMAGES = (*MODALITIES, "label")
NUM_CLASSES = 13
_WARM_UP = 20  # batches
_SETTLE = 2  # seconds


def build(data_dir, count):
    """The data set of rendered rooms, built once."""
    from tfds_builders.rendered_rooms.rendered_rooms_dataset_builder import (
        Builder,
        RenderedRoomsConfig,
    )

    builder = Builder(config=RenderedRoomsConfig(640, 480, {"train": count}), data_dir=data_dir)
    builder.download_and_prepare()
    return builder


def write_files(builder, folder):
    """Writes the data set's encoded images as files, byte for byte; returns their number."""
    import tensorflow_datasets as tfds

    features = {name: builder.info.features[name] for name in IMAGES}
    encoded = tfds.decode.PartialDecoding(
        features, {name: tfds.decode.SkipDecoding() for name in IMAGES}
    )
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for example in builder.as_dataset(split="train", decoders=encoded):
        for name in IMAGES:
            (folder / f"{count}_{name}.png").write_bytes(example[name].numpy())
        count += 1
    return count


def tensorflow_batches(builder):
    """Endless batches of `recipes.data.batches`; runs in this process."""
    from recipes.data.batches import training_batches
    from recipes.data.dataset import DataSet
    from recipes.segmentation.examples import SegmentationExamples

    examples = SegmentationExamples(MODALITIES, NUM_CLASSES, AUGMENTATION)
    source = DataSet(builder).source("train", IMAGES)  # read from disk, as OpenCV reads its files
    return iter(training_batches(source, examples, BATCH_SIZE)), ()


def opencv_batches(folder, count, workers):
    """Endless batches of a PyTorch DataLoader, and its processes."""
    import torch

    from benchmarks.opencv_dataset import OpenCVDataset

    dataset = OpenCVDataset(
        str(folder),
        count,
        1 << 20,
        SIZE,
        AUGMENTATION["scale"],
        AUGMENTATION["shorter_side"],
        MEAN,
        STD,
        MODALITIES["depth"]["scale"],
    )
    loader = torch.utils.data.DataLoader(
        dataset,
        BATCH_SIZE,
        shuffle=True,
        num_workers=workers,
        multiprocessing_context="spawn",  # TensorFlow's threads do not survive a fork
    )
    batches = iter(loader)
    return batches, [worker.pid for worker in batches._workers]


def measure(opened, number):
    """Examples a second and CPU seconds an example over `number` batches of a pipeline."""
    batches, processes = opened
    for _ in range(_WARM_UP):
        next(batches)
    cpu, start = cpu_seconds(processes), time.perf_counter()
    for _ in range(number):
        next(batches)
    elapsed, cpu = time.perf_counter() - start, cpu_seconds(processes) - cpu
    return number * BATCH_SIZE / elapsed, cpu / (number * BATCH_SIZE)


def cpu_seconds(processes):
    """CPU time of this process and of others."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    total = usage.ru_utime + usage.ru_stime
    ticks = os.sysconf("SC_CLK_TCK")
    for process in processes:
        fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data_dir", default="runs/benchmark", help="where the data set is kept")
    parser.add_argument("--examples", type=int, default=24, help="frames to render")
    parser.add_argument("--batches", type=int, default=40, help="of each turn")
    parser.add_argument("--repetitions", type=int, default=5, help="turns")
    parser.add_argument("--workers", type=int, default=2, help="of the DataLoader")
    arguments = parser.parse_args(argv)
    folder = pathlib.Path(arguments.data_dir).absolute()
    builder = build(folder, arguments.examples)
    count = write_files(builder, folder / "files")
    load = os.getloadavg()[0]
    pipelines = {
        "tf.data": lambda: tensorflow_batches(builder),
        "OpenCV, DataLoader": lambda: opencv_batches(folder / "files", count, arguments.workers),
    }
    results = {name: [] for name in pipelines}
    for _ in range(arguments.repetitions):
        for name, opened in pipelines.items():
            results[name].append(measure(opened(), arguments.batches))
            gc.collect()  # closes the pipeline
            time.sleep(_SETTLE)
    print(f"{os.cpu_count()} CPUs, load {load:.1f} before and {os.getloadavg()[0]:.1f} after")
    for name, turns in results.items():
        rates, cpu = np.array(turns).T
        low, middle, high = np.quantile(rates, (0.25, 0.5, 0.75))
        print(
            f"{name:20} {middle:7.1f} examples/s (quartiles {low:.1f} to {high:.1f}), "
            f"{1e3 * np.median(cpu):.1f} ms of CPU time an example"
        )
        print(" " * 21 + "turns: " + ", ".join(f"{rate:.0f}" for rate in rates))
    ratio = np.array(results["tf.data"])[:, 0] / np.array(results["OpenCV, DataLoader"])[:, 0]
    print(f"ratio tf.data / DataLoader: median {np.median(ratio):.2f} of {len(ratio)} pairs")


if __name__ == "__main__":
    main()
