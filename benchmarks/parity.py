"""Does every runtime answer what Keras answers? The table of `docs/serving.md`.

    python -m benchmarks.parity
    python -m benchmarks.parity --frame=FOLDER   # a real frame in the papers' format: rgb/, depth/

A Segmenter and a Translator of the demo's size are trained for some steps on rendered rooms, with
each system and two and three modalities, exported and asked about a frame that they have not seen.
Told are the largest relative L2 distance `||answer - Keras|| / ||Keras||` among the float outputs
(probabilities, images in [-1, 1]) of the branches and the ensemble; the largest difference of any
one of their values, in any runtime; and the share of classes or 8-bit values of the served model
that are equal to Keras', the lowest among the runtimes.
"""

import argparse
import os
import pathlib
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from keras_asym import fusion, models, networks
from keras_asym.export import InferenceForm, export_litert, export_onnx, export_saved_model
from keras_asym.profile.runtimes import RUNTIMES
from recipes.data.image_folders import read_example
from tfds_builders.rendered_rooms.class_names import CLASS_NAMES
from tfds_builders.rendered_rooms.render import render

TITLES = {
    "saved_model": "SavedModel",
    "session": "TF1 session",
    "onnx": "ONNX Runtime",
    "litert": "LiteRT",
    "openvino": "OpenVINO f32",
}
SYSTEMS = ("ChannelExchanging", "AsymmetricFusion")
WIDTH, HEIGHT = 160, 128  # of the rendered frames
TEST_SEED = 2_000_000
# Raw value that becomes 1, by dtype; 0 becomes -1.
LARGEST = {"uint8": 255, "uint16": 10000}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frame", help="folder of real images: rgb/NAME.png and depth/NAME.png")
    parser.add_argument("--steps", type=int, default=10, help="training steps of each model")
    options = parser.parse_args()
    frames = {f"rendered, {HEIGHT}x{WIDTH}": render(TEST_SEED, WIDTH, HEIGHT)}
    if options.frame:
        name, image = read_frame(options.frame)
        frames[f"real, {name}, {'x'.join(map(str, image['rgb'].shape[:2]))}"] = image
    rooms = [render(seed, WIDTH, HEIGHT) for seed in range(4)]
    columns = ("task", "system", "modalities", "frame", *TITLES.values(), "any value", "equal")
    print(f"| {' | '.join(columns)} |")
    print("|" + "---|" * len(columns))
    for build in (segmenter, translator):
        for system in SYSTEMS:
            for names in (("rgb", "depth"), ("rgb", "depth", "gray")):
                keras.backend.clear_session()
                model = build(names, system)
                train(model, rooms, options.steps)
                with tempfile.TemporaryDirectory() as folder:
                    for row in compare(model, frames, pathlib.Path(folder)):
                        start = f"{type(model).__name__} | {system} | {', '.join(names)}"
                        print(f"| {start} | {row} |", flush=True)


def read_frame(folder):
    """Name and images of the first frame of which there are both modalities, depth in mm."""
    folder = pathlib.Path(folder)
    both = {p.stem for p in (folder / "rgb").iterdir()} & {
        p.stem for p in (folder / "depth").iterdir()
    }
    if not both:
        raise SystemExit(f"error: --frame must hold rgb/NAME.png and depth/NAME.png: {folder}")
    name = min(both)
    files = {kind: folder / kind / f"{name}.png" for kind in ("rgb", "depth")}
    image = read_example(name, files, {"rgb": {"channels": 3}, "depth": {"channels": 1}})
    # The papers' files count fifths of a millimetre, the rendered rooms millimetres.
    return name, {**image, "depth": np.round(image["depth"] / 5).astype("uint16")}


def raw_images(frame, names):
    """A batch of one: the frame's images, and `gray` made of its photograph."""
    gray = frame["rgb"].mean(-1, keepdims=True).astype("uint8")
    return {name: np.array((gray if name == "gray" else frame[name])[None]) for name in names}


def preprocess(name, image):
    """Raw values to [-1, 1]."""
    largest = LARGEST["uint16" if name == "depth" else "uint8"]
    return 2 * tf.minimum(tf.cast(image, "float32") / largest, 1) - 1


def segmenter(names, system):
    network = networks.RefineNet("resnet18", len(CLASS_NAMES), "light", (128, 64, 64, 64), 32, 0.0)
    model = models.Segmenter(network, channels_of(names), getattr(fusion, system)())
    model.compile(keras.optimizers.AdamW(2e-3), jit_compile=False)
    return give_up_channels(model)


def translator(names, system):
    generator = networks.UNetGenerator(16, 5, dropout_at_test=False)
    discriminator = networks.PatchDiscriminator(16)
    if system == "ChannelExchanging":
        strategy = fusion.ChannelExchanging(1e-2, sites=r"down\d+_norm$")
    else:
        strategy = fusion.AsymmetricFusion(r"down[24]_conv$", shift_source="output")
    model = models.Translator(generator, discriminator, channels_of(names), strategy)
    adam = [keras.optimizers.Adam(2e-3, 0.5) for _ in range(2)]
    model.compile(*adam, jit_compile=False)
    return give_up_channels(model)


def channels_of(names):
    return {name: 3 if name == "rgb" else 1 for name in names}


def give_up_channels(model, share=1 / 3):
    """Lets a share of the gammas start below the thresholds, so that channels are exchanged."""
    generator = np.random.default_rng(0)
    for weight in model.network.trainable_variables:
        if weight.name == "gamma":
            below = generator.uniform(size=weight.shape) < share
            weight.assign(np.where(below, 1e-4, weight.numpy()))
    return model


def train(model, rooms, steps):
    """Some steps on batches of two, so that weights and statistics are no initial values."""
    for step in range(steps):
        batch = [rooms[(2 * step + i) % len(rooms)] for i in range(2)]
        raw = [raw_images(frame, model.modality_names) for frame in batch]
        x = {
            name: preprocess(name, np.concatenate([images[name] for images in raw]))
            for name in model.modality_names
        }
        if isinstance(model, models.Segmenter):
            y = np.stack([frame["label"][..., 0] for frame in batch]).astype("int32")
        else:
            y = np.stack([frame["normal"] for frame in batch]) / np.float32(127.5) - 1
        model.train_on_batch(x, y)


def compare(model, frames, folder):
    """The last columns of the table, a row for each frame."""
    raw = raw_images(next(iter(frames.values())), model.modality_names)
    dtypes = {name: image.dtype.name for name, image in raw.items()}
    channels = {name: image.shape[-1] for name, image in raw.items()}
    outputs = ("classes", "probabilities")
    served = export_saved_model(
        model, folder / "served", dtypes, preprocess, channels, outputs=outputs, branches=True
    )
    unrounded = served
    if isinstance(model, models.Translator):  # of which 8-bit values are served
        unrounded = save_floats(model, raw, folder / "floats")
    converted = {}
    for label, frame in frames.items():
        images = raw_images(frame, model.modality_names)
        expected = answer_of_keras(model, images)
        cells, largest, equal = [], 0, []
        for runtime in TITLES:
            found = dict(run(runtime, served, images, converted))
            if unrounded != served:
                found.update(run(runtime, unrounded, images, converted))
            whole = [name for name, value in found.items() if value.dtype == np.uint8]
            floats = [name for name in found if name not in whole]
            cells.append(max(distance(found[x], expected[x]) for x in floats))
            largest = max(largest, *(np.abs(found[x] - expected[x]).max() for x in floats))
            equal += [np.mean(found[x] == expected[x]) for x in whole]
        cells = [f"{x:.1e}" for x in (*cells, largest)]
        yield " | ".join([label, *cells, f"{100 * min(equal):.3f} %"])


def answer_of_keras(model, images):
    inputs = {name: preprocess(name, image) for name, image in images.items()}
    found = {}
    for key, output in model(inputs, training=False).items():
        prefix = "" if key == "ensemble" else f"{key}_"
        if isinstance(model, models.Segmenter):
            found[f"{prefix}classes"] = output.numpy().argmax(-1).astype("uint8")
            found[f"{prefix}probabilities"] = tf.nn.softmax(output).numpy()
        else:
            found[f"{prefix}float"] = output.numpy()
            found[f"{prefix}image"] = np.round(127.5 * (output.numpy() + 1)).astype("uint8")
    return found


def save_floats(model, raw, path):
    """The Translator's inference form with its float outputs."""
    form = InferenceForm(model)

    def answer(**images):
        outputs = form({name: preprocess(name, image) for name, image in images.items()})
        return {
            "float" if key == "ensemble" else f"{key}_float": output
            for key, output in outputs.items()
        }

    specs = {
        name: tf.TensorSpec((None, None, None, image.shape[-1]), image.dtype, name)
        for name, image in raw.items()
    }
    function = tf.function(answer, autograph=False).get_concrete_function(**specs)
    module = tf.Module()
    module.weights = function.graph.variables
    tf.saved_model.save(module, str(path), signatures={"serving_default": function})
    return path


def run(runtime, saved_model, images, converted):
    """A runtime's answer; files once converted are used again."""
    size = next(iter(images.values())).shape[:3]
    if runtime == "onnx":
        key = (saved_model, "onnx")
        if key not in converted:
            converted[key] = export_onnx(saved_model, saved_model / "model.onnx")
        return RUNTIMES[runtime](converted[key])(images)
    if runtime == "litert":
        path = export_litert(saved_model, saved_model / f"{size}.tflite", size)
        return RUNTIMES[runtime](path)(images)
    return RUNTIMES[runtime](saved_model)(images)


def distance(found, expected):
    found, expected = np.float64(found), np.float64(expected)
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


if __name__ == "__main__":
    main()
