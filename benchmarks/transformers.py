"""What fusion costs a SegFormer, and its time beside the same network in PyTorch.

    python -m benchmarks.transformers

The multimodal network runs on B examples of M modalities; beside it, in turn, in one process, run
the same network for one modality and its plain PyTorch form (needs the extra `torch`), with the
same weights, on M * B images. Printed are the ratios of times, median and quartiles; a training
step is forward pass, cross-entropy at full size of each output, backward pass and SGD.
"""

import argparse
import functools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from benchmarks.overhead import in_turn
from keras_asym import fusion, models, networks, weights
from tests.weights.torch_segformer import numpy_state_dict, outputs_of, torch_segformer

CLASSES = 40
HEAD_WIDTH = 256  # TokenFusion's, also for b2
VARIANTS = {"b0": (32, (2, 2, 2, 2)), "b2": (64, (3, 4, 6, 3))}  # width and depths
FUSIONS = {
    "private": fusion.PrivateNormalization,
    "cen": functools.partial(fusion.ChannelExchanging, sites=r"block\d+_norm[12]$"),
    "asym": fusion.AsymmetricFusion,
    "tokens": fusion.TokenExchanging,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", default="b0", choices=list(VARIANTS))
    parser.add_argument("--modalities", type=int, default=2)
    parser.add_argument("--batch", type=int, default=1, help="examples B")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--fusions", nargs="+", default=list(FUSIONS), choices=list(FUSIONS))
    options = parser.parse_args()
    count, size = options.modalities, options.size
    rng = np.random.default_rng(0)
    images = rng.standard_normal((count * options.batch, size, size, 3)).astype("float32")
    mask = rng.integers(0, CLASSES, images.shape[:3]).astype("int32")
    network = networks.SegFormer(
        options.variant, CLASSES, HEAD_WIDTH, dropout=0.0, input_shape=(size, size, 3)
    )
    torch, module = torch_segformer(*VARIANTS[options.variant], CLASSES, HEAD_WIDTH)
    weights.load_segformer_state_dict(network, numpy_state_dict(module))
    ours, theirs = network.predict(images, verbose=0), outputs_of(torch, module, images)[0]
    print(f"outputs of Keras and PyTorch differ by {np.abs(ours - theirs).max():.1e}")
    single = models.Segmenter(network, {"m0": 3})
    plain = {kind: step(single, {"m0": images}, mask) for kind, step in _STEPS.items()}
    plain_torch = _torch_steps(torch, module, images, mask)
    for name in options.fusions:
        names = [f"m{index}" for index in range(count)]
        several = models.Segmenter(network, dict.fromkeys(names, 3), FUSIONS[name]())
        split = dict(zip(names, np.split(images, count), strict=True))
        for kind, step in _STEPS.items():
            ours = step(several, split, mask[: options.batch])
            times = in_turn([ours, plain[kind], plain_torch[kind]], options.repetitions)
            one, pytorch = (_quartiles(times[:, 0] / times[:, index]) for index in (1, 2))
            print(f"{kind:9} {name:8} beside one network {one}, beside PyTorch {pytorch}; ", end="")
            print(f"{1000 * np.median(times[:, 0]):.0f} ms", flush=True)


def _quartiles(ratios):
    low, middle, high = np.percentile(ratios, (25, 50, 75))
    return f"{middle:.3f} ({low:.3f}-{high:.3f})"


def _inference(model, images, _):
    images = {name: tf.constant(x) for name, x in images.items()}
    function = tf.function(lambda x: model.network(x, training=False))
    return lambda: tf.nest.map_structure(lambda x: x.numpy(), function(images))


def _training(model, images, mask):
    images = {name: tf.constant(x) for name, x in images.items()}
    model.compile(keras.optimizers.SGD(1e-4, momentum=0.9), jit_compile=False)
    return lambda: model.train_on_batch(images, tf.constant(mask))


_STEPS = {"inference": _inference, "training": _training}


def _torch_steps(torch, module, images, mask):
    images = torch.from_numpy(images.transpose(0, 3, 1, 2)).contiguous()
    mask = torch.from_numpy(mask).long()
    optimizer = torch.optim.SGD(module.parameters(), 1e-4, momentum=0.9)

    def infer():
        module.eval()
        with torch.inference_mode():
            return module(images)

    def train():
        module.train()
        optimizer.zero_grad()
        logits = torch.nn.functional.interpolate(module(images), mask.shape[1:], mode="bilinear")
        torch.nn.functional.cross_entropy(logits, mask).backward()
        optimizer.step()

    return {"inference": infer, "training": train}


if __name__ == "__main__":
    main()
