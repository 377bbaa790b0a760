"""Backbones of keras.applications and KerasHub, unmodified, as multimodal networks.

    python -m benchmarks.backbones [--names ResNet50 MiT ...] [--write docs/backbones.md]

Each gets random weights, statistics and normalizations and becomes a network of two modalities.
Printed are its parameters, what a further sensor adds to them, and by how much the branches differ
from the plain network (the largest difference, relative to the largest output): as it is made, read
from a `.keras` file, of one sensor by `select_modalities`, and from a SavedModel. While it is made,
each branch is also compared with other weights for each sensor (`check` of `to_multimodal`).
"""

import argparse
import gc
import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from keras_asym.fusion import select_modalities, to_multimodal

APPLICATIONS = {
    **dict.fromkeys(("ResNet50", "ResNet101", "ResNet152"), 64),
    **dict.fromkeys(("ResNet50V2", "ResNet101V2", "ResNet152V2"), 64),
    **dict.fromkeys(("Xception", "InceptionV3", "InceptionResNetV2"), 80),
    **dict.fromkeys(("MobileNet", "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large"), 64),
    **dict.fromkeys(("DenseNet121", "DenseNet169", "DenseNet201", "NASNetMobile"), 64),
    **dict.fromkeys((f"EfficientNetB{i}" for i in range(4)), 64),
    **dict.fromkeys((f"EfficientNetV2{i}" for i in ("B0", "B1", "B2", "B3", "S")), 64),
    **dict.fromkeys(("ConvNeXtTiny", "ConvNeXtSmall"), 64),
}
_TRANSFORMER = {"num_layers": 3, "num_heads": 4, "hidden_dim": 64, "image_shape": (64, 64, 3)}
_RESNET = {
    "input_conv_filters": [64],
    "input_conv_kernel_sizes": [7],
    "stackwise_num_filters": [64, 128, 256, 512],
    "stackwise_num_blocks": [2, 2, 2, 2],
    "stackwise_num_strides": [1, 2, 2, 2],
}
# Of KerasHub, with the layers of the published ones and fewer of them where these are large.
KERAS_HUB = {
    "ResNet": {"block_type": "bottleneck_block", **_RESNET},
    "ResNetV2": {"block_type": "bottleneck_block", "use_pre_activation": True, **_RESNET},
    "ResNetVd": {
        **_RESNET,
        "block_type": "basic_block_vd",
        "input_conv_filters": [32, 32, 64],
        "input_conv_kernel_sizes": [3, 3, 3],
    },
    "CSPNet": {
        "stem_filters": 32,
        "stem_kernel_size": 3,
        "stem_strides": 1,
        "stackwise_depth": [1, 2, 4],
        "stackwise_strides": [1, 2, 2],
        "stackwise_num_filters": [32, 64, 128],
        "block_type": "dark",
    },
    "DenseNet": {"stackwise_num_repeats": [6, 12, 12]},
    "EfficientNet": {
        "stackwise_kernel_sizes": [3, 3, 3, 3, 3, 3],
        "stackwise_num_repeats": [2, 2, 2, 2, 2, 2],
        "stackwise_input_filters": [24, 24, 48, 64, 128, 160],
        "stackwise_output_filters": [24, 48, 64, 128, 160, 256],
        "stackwise_expansion_ratios": [1, 4, 4, 4, 6, 6],
        "stackwise_squeeze_and_excite_ratios": [0.0, 0.0, 0, 0.25, 0.25, 0.25],
        "stackwise_strides": [1, 2, 2, 2, 1, 2],
        "stackwise_block_types": ["fused"] * 3 + ["unfused"] * 3,
        "stackwise_width_coefficients": [1.0] * 6,
        "stackwise_depth_coefficients": [1.0] * 6,
    },
    "HGNetV2": {
        "depths": [1, 2, 4],
        "embedding_size": 48,
        "hidden_sizes": [128, 512, 1024],
        "stem_channels": [3, 24, 48],
        "hidden_act": "relu",
        "use_learnable_affine_block": True,
        "stackwise_stage_filters": [
            (48, 48, 128, 1, 6, 3),
            (128, 96, 512, 2, 6, 3),
            (512, 192, 1024, 4, 6, 3),
        ],
        "apply_downsample": [False, True, True],
        "use_lightweight_conv_block": [False, False, True],
        "image_shape": (64, 64, 3),
    },
    "Xception": {
        "stackwise_conv_filters": [[32, 64], [64, 128], [256, 256]],
        "stackwise_pooling": [True, True, False],
    },
    "MobileNetV5": {
        "stackwise_block_types": [["er"], ["uir", "mqa", "uir"]],
        "stackwise_num_blocks": [1, 3],
        "stackwise_num_filters": [[24], [48, 48, 48]],
        "stackwise_strides": [[2], [2, 1, 1]],
        "stackwise_act_layers": [["gelu"], ["gelu", "gelu", "gelu"]],
        "stackwise_exp_ratios": [[4.0], [6.0, 1.0, 6.0]],
        "stackwise_se_ratios": [[0.0], [0.0, 0.0, 0.0]],
        "stackwise_dw_kernel_sizes": [[0], [5, 3, 5]],
        "stackwise_dw_start_kernel_sizes": [[0], [0, 0, 0]],
        "stackwise_dw_end_kernel_sizes": [[0], [0, 0, 0]],
        "stackwise_exp_kernel_sizes": [[3], [0, 0, 0]],
        "stackwise_pw_kernel_sizes": [[1], [0, 0, 0]],
        "stackwise_num_heads": [[0], [0, 4, 0]],
        "stackwise_key_dims": [[0], [0, 16, 0]],
        "stackwise_value_dims": [[0], [0, 16, 0]],
        "stackwise_kv_strides": [[0], [0, 1, 0]],
        "stackwise_use_cpe": [[False], [False, False, False]],
        "use_msfa": False,
        "image_shape": (64, 64, 3),
    },
    "MiT": {
        "layerwise_depths": [2, 2, 2, 2],
        "num_layers": 4,
        "layerwise_num_heads": [1, 2, 5, 8],
        "layerwise_sr_ratios": [8, 4, 2, 1],
        "max_drop_path_rate": 0.1,
        "layerwise_patch_sizes": [7, 3, 3, 3],
        "layerwise_strides": [4, 2, 2, 2],
        "hidden_dims": [32, 64, 160, 256],
        "image_shape": (64, 64, 3),
    },
    "SwinTransformer": {
        "image_shape": (64, 64, 3),
        "embed_dim": 48,
        "depths": (2, 2),
        "num_heads": (3, 6),
        "window_size": 4,
    },
    "ViT": {**_TRANSFORMER, "patch_size": (8, 8), "mlp_dim": 256},
    "DeiT": {**_TRANSFORMER, "patch_size": (8, 8), "intermediate_dim": 256},
    "DINOV2": {
        **_TRANSFORMER,
        "patch_size": 8,
        "intermediate_dim": 256,
        "position_embedding_shape": (64, 64),
    },
    "DINOV3": {**_TRANSFORMER, "patch_size": 8, "intermediate_dim": 256},
    "ViTDet": {
        "image_shape": (64, 64, 3),
        "patch_size": 8,
        "hidden_size": 64,
        "num_layers": 4,
        "global_attention_layer_indices": [1, 3],
        "intermediate_dim": 256,
        "num_heads": 4,
        "num_output_channels": 64,
        "window_size": 4,
    },
}
NAMES = [*APPLICATIONS, *(f"keras_hub {name}" for name in KERAS_HUB)]
# How far rounding carries: float32 has 24 bits.
MOST = 1e-6
COLUMNS = ("as made", ".keras", "select", "SavedModel")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--write", type=pathlib.Path, help="Markdown file for the table")
    options = parser.parse_args()
    lines = [
        "| backbone | parameters | of a further sensor | " + " | ".join(COLUMNS) + " |",
        "|---|---|---|" + "---|" * len(COLUMNS),
    ]
    print("\n".join(lines), flush=True)
    for name in options.names:
        start = time.perf_counter()
        count, share, differences = check(name)
        figures = " | ".join(f"{differences[column]:.1e}" for column in COLUMNS)
        lines.append(f"| {name} | {count / 1e6:.2f} M | {share:.2%} | {figures} |")
        print(lines[-1], f"  {time.perf_counter() - start:.0f} s", flush=True)
    if options.write:
        options.write.write_text(_HEAD.format(most=MOST) + "\n".join(lines) + "\n")


_HEAD = """# Backbones

Networks of `keras.applications` and KerasHub, unmodified, made multimodal by `to_multimodal`: two
sensors, random weights, small images. The columns on the right are the largest difference between a
branch and the plain network, relative to the largest output: as the network is made, read again
from a `.keras` file, of one sensor by `select_modalities`, and served from a SavedModel. {most:.0e}
is the rounding of float32. Each line is what `python -m benchmarks.backbones --names NAME` prints;
without `--names` it runs all, and `--write docs/backbones.md` writes this page.

"""


def backbone(name):
    """The plain network, with random weights."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    if name in APPLICATIONS:
        size = APPLICATIONS[name]
        build = getattr(keras.applications, name)
        network = build(weights=None, include_top=False, input_shape=(size, size, 3))
    else:
        import keras_hub

        kind = name.removeprefix("keras_hub ")
        class_name = "ResNet" if kind.startswith("ResNet") else kind
        network = getattr(keras_hub.models, f"{class_name}Backbone")(**KERAS_HUB[kind])
    rng = np.random.default_rng(0)
    for weight in network.weights:
        if weight.name in ("gamma", "scale", "moving_variance") and len(weight.shape) == 1:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif weight.name in ("beta", "moving_mean") and len(weight.shape) == 1:
            weight.assign(0.1 * rng.standard_normal(weight.shape))
    return network


def largest(found, expected):
    """The largest difference of lists of arrays, relative to the largest output."""
    pairs = zip(found, expected, strict=True)
    return max(np.abs(np.asarray(x) - y).max() / np.abs(y).max() for x, y in pairs)


def check(name):
    """Makes a backbone multimodal and compares.

    Returns:
        Number of parameters, the share that a further sensor adds, and the differences by column.
    """
    network = backbone(name)
    size = [x or 64 for x in network.inputs[0].shape[1:3]]
    model = to_multimodal(network, {"rgb": 3, "depth": 1}, check=True)
    rng = np.random.default_rng(1)
    rgb, depth = (rng.standard_normal((1, *size, n)).astype("float32") for n in (3, 1))
    images = {"rgb": rgb, "depth": depth}
    both = np.concatenate([rgb, np.repeat(depth, 3, axis=-1)])
    # Both images at once, as the branches are, and the second one alone: convolutions round
    # otherwise.
    expected, alone = (
        network(keras.tree.pack_sequence_as(network.input, [x]), training=False)
        for x in (both, both[1:])
    )
    expected = [np.asarray(x) for x in keras.tree.flatten(expected)]
    of_depth = [np.asarray(x) for x in keras.tree.flatten(alone)]
    plain = network.count_params()
    share = model.count_params() / plain - 1
    del network

    def distance(outputs):
        found = zip(*(keras.tree.flatten(outputs[key]) for key in ("rgb", "depth")), strict=True)
        return largest([np.concatenate(x) for x in found], expected)

    differences = {"as made": distance(model(images, training=False))}
    part = select_modalities(model, ["depth"])
    chosen = part({"depth": depth}, training=False)["depth"]
    differences["select"] = largest(keras.tree.flatten(chosen), of_depth)
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/model.keras")
        loaded = keras.saving.load_model(f"{folder}/model.keras", safe_mode=True)
        differences[".keras"] = distance(loaded(images, training=False))
        del loaded
        answer = tf.function(
            lambda images: model(images, training=False),
            input_signature=[{key: tf.TensorSpec(x.shape, x.dtype) for key, x in images.items()}],
            autograph=False,
        )
        module = tf.Module()
        module.model, module.answer = model, answer
        tf.saved_model.save(module, f"{folder}/served", signatures={})
        served = tf.saved_model.load(f"{folder}/served")
        differences["SavedModel"] = distance(served.answer(images))
    gc.collect()
    return plain, share, differences


if __name__ == "__main__":
    main()
