import pathlib

import tensorflow as tf

from keras_asym.export.load_signature import load_signature
from keras_asym.export.quantization_images import quantization_batches
from keras_asym.files import write_atomically


def export_litert(
    saved_model,
    path,
    size,
    signature="serving_default",
    quantization_images=None,
):
    """Converts a signature of a SavedModel to LiteRT (`.tflite`), by TensorFlow's converter.

    Only LiteRT's own operations are used, so that the plain runtime (`ai-edge-litert`) reads the
    file. Its signature has the same name, inputs and outputs.

    Args:
        saved_model: Folder of one version of a model, as `export_saved_model` returns it.
        path: The file to write, `.tflite`.
        size: `(batch, height, width)` of the images, which are fixed.
        signature: Name of the signature.
        quantization_images: Dictionary of raw images `(number, height, width, channels)` by
            modality name, some of those that the model was trained on. With them the model is
            quantized to int8: activations by their ranges on these images, kernels by channel.
            Inputs and outputs stay what they are. Export the SavedModel with `side_by_side=True`.

    Returns:
        Path of the file.

    Raises:
        ValueError: If a size is left open, there is no such SavedModel or signature, it takes
            encoded files, or the quantization's images do not fit it.

    Example:

        version = export_saved_model(model, "served/rooms", {"rgb": "uint8", "depth": "uint16"})
        file = export_litert(version, "rooms.tflite", size=(1, 240, 320))
        runner = ai_edge_litert.interpreter.Interpreter(str(file)).get_signature_runner()
        classes = runner(rgb=rgb, depth=depth)["classes"]
    """
    if len(size) != 3 or not all(size):
        raise ValueError(
            "`size` must be a fixed (batch, height, width), which LiteRT's planning of the memory "
            f"needs. Received: size={size}"
        )
    module, specs = load_signature(saved_model, signature, size)
    function = module.answer.get_concrete_function(specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    if quantization_images is not None:
        batches = quantization_batches(quantization_images, specs)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [batch[name] for name in sorted(specs)] for batch in batches
        )
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, converter.convert())
    return path
