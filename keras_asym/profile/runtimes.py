"""What runs a model: a function of arrays by name for each runtime, and its time and memory.

    python keras_asym/profile/runtimes.py '{"runtime": "onnx", "runs": [{"batch": 1, ...}]}'

Neither Keras nor this package is imported here, and each runtime only by what opens it: a process
that measures one holds no other. That is also why this file is run by its path.
"""

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np


def open_keras(path, threads=None):
    """A `.keras` file, compiled: the ensemble's output. Dropout is off, as in a service."""
    tf = _tensorflow(threads)
    import keras

    import keras_asym.models  # the classes that the file names  # noqa: F401

    model = keras.models.load_model(path, compile=False)
    if hasattr(model, "dropout_at_test"):
        model.dropout_at_test = False
    function = tf.function(lambda images: {"ensemble": model(images, training=False)["ensemble"]})
    return lambda images: _arrays(function(_tensors(tf, images)))


def open_saved_model(path, threads=None, signature="serving_default"):
    """A SavedModel by `tf.saved_model.load`."""
    tf = _tensorflow(threads)
    loaded = tf.saved_model.load(path)
    function = loaded.signatures[signature]

    def run(images, loaded=loaded):  # whose weights the function reads
        return _arrays(function(**_tensors(tf, images)))

    return run


def open_session(path, threads=None, signature="serving_default"):
    """A SavedModel by the session loader with the tag `serve`, as TF Serving does."""
    tf = _tensorflow(threads).compat.v1
    session = tf.Session(graph=tf.Graph())
    with session.graph.as_default():
        meta_graph = tf.saved_model.loader.load(session, ["serve"], str(path))
    definition = meta_graph.signature_def[signature]
    outputs = {key: info.name for key, info in definition.outputs.items()}
    return lambda images: session.run(
        outputs, {definition.inputs[key].name: image for key, image in images.items()}
    )


def open_onnx(path, threads=None):
    """An `.onnx` file by ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda images: dict(zip(names, session.run(names, images), strict=True))


def open_litert(path, threads=None):
    """A `.tflite` file by LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    # By itself it takes one thread.
    interpreter = Interpreter(str(path), num_threads=threads or len(os.sched_getaffinity(0)))
    runner = interpreter.get_signature_runner()
    return lambda images: runner(**images)


def open_openvino(path, threads=None):
    """A SavedModel (its `serving_default`) by OpenVINO, in float32 throughout."""
    import openvino

    options = {"INFERENCE_PRECISION_HINT": "f32"}
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(str(path)), "CPU", options)
    names = {port: _key(port.get_names()) for port in (*compiled.inputs, *compiled.outputs)}

    def run(images):
        results = compiled({port: images[names[port]] for port in compiled.inputs})
        return {names[port]: results[port] for port in compiled.outputs}

    return run


RUNTIMES = {
    "keras": open_keras,
    "saved_model": open_saved_model,
    "session": open_session,
    "onnx": open_onnx,
    "litert": open_litert,
    "openvino": open_openvino,
}


def random_images(shapes, dtypes, batch):
    """`{name: array (batch, height, width, channels)}` of random values."""
    generator = np.random.default_rng(0)
    images = {}
    for name, shape in shapes.items():
        values = generator.uniform(0, 1 if "float" in dtypes[name] else 255, (batch, *shape))
        images[name] = values.astype(dtypes[name])
    return images


def seconds(function, repetitions, warmup=3):
    """Seconds of each of `repetitions` calls."""
    for _ in range(warmup):
        function()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return times


def peak_memory():
    """Bytes of memory that this process has held at most."""
    # Not `getrusage`: on Linux its peak is handed down from the process that started this one.
    if sys.platform == "linux":
        with open("/proc/self/status") as file:
            line = next(line for line in file if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(runtime, runs, shapes, dtypes, repetitions, threads=None):
    """Times and peak memory for rising batch sizes, `runs`: `[{"batch": 1, "path": ...}]`."""
    results, opened = [], {}
    for run in runs:
        if run["path"] not in opened:
            opened = {run["path"]: RUNTIMES[runtime](run["path"], threads)}
        function, images = opened[run["path"]], random_images(shapes, dtypes, run["batch"])
        times = seconds(lambda f=function, x=images: f(x), repetitions)
        results.append({"batch": run["batch"], "seconds": times, "peak_memory": peak_memory()})
    return results


def _tensorflow(threads):
    import tensorflow as tf

    if threads and threads != tf.config.threading.get_intra_op_parallelism_threads():
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    return tf


def _tensors(tf, images):
    return {name: tf.constant(image) for name, image in images.items()}


def _arrays(outputs):
    return {name: output.numpy() for name, output in outputs.items()}


def _key(names):
    """A signature's key among the names of a tensor: the one that is no operation's."""
    return min(names, key=lambda name: (":" in name, len(name)))


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
