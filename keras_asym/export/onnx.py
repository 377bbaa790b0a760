import pathlib

import numpy as np

from keras_asym.export.load_signature import load_signature
from keras_asym.export.quantization_images import quantization_batches
from keras_asym.export.quantized_onnx import quantized
from keras_asym.files import write_atomically
from keras_asym.optional import import_optional


def export_onnx(
    saved_model,
    path,
    size=(None, None, None),
    signature="serving_default",
    quantization_images=None,
):
    """Converts a signature of a SavedModel to ONNX, by tf2onnx.

    The file takes what the signature takes, by the same names: raw images, with the preprocessing
    in the graph.

    Args:
        saved_model: Folder of one version of a model, as `export_saved_model` returns it.
        path: The file to write, `.onnx`.
        size: `(batch, height, width)` of the images; `None` where any will do.
        signature: Name of the signature.
        quantization_images: As for `export_litert`: raw images by which the graph is quantized to
            int8, for ONNX Runtime and OpenVINO.

    Returns:
        Path of the file.

    Raises:
        ImportError: If tf2onnx is not installed (`pip install 'keras_asym[onnx]'`).
        ValueError: If there is no such SavedModel or signature, it takes encoded files, an
            output has the name of an input, or the quantization's images do not fit it.

    Example:

        version = export_saved_model(model, "served/rooms", {"rgb": "uint8", "depth": "uint16"})
        session = onnxruntime.InferenceSession(export_onnx(version, "rooms.onnx"))
        classes, probabilities = session.run(None, {"rgb": rgb, "depth": depth})
    """
    convert = import_optional("tf2onnx.convert", "onnx", "`tf2onnx.convert` could not be imported")
    module, specs = load_signature(saved_model, signature, size)
    clashes = sorted(
        set(specs) & set(module.answer.get_concrete_function(specs).structured_outputs)
    )
    if clashes:
        raise ValueError(
            "`signature` must not give an output the name of an input: ONNX keeps them in one "
            f"namespace. Received: signature={signature!r} with {clashes} as both"
        )
    batches = None
    if quantization_images is not None:
        batches = quantization_batches(quantization_images, specs)
    handlers = {"Erfc": (_one_minus_erf, [])}
    model, _ = convert.from_function(module.answer, [specs], custom_op_handlers=handlers)
    model = model if batches is None else quantized(model, batches)
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, model.SerializeToString())
    return path


def _one_minus_erf(graph, node, name, arguments):
    """`erfc(x)`, in which TensorFlow writes the exact GELU and which ONNX lacks."""
    (x,), shapes, dtypes = node.input, node.output_shapes, node.output_dtypes
    graph.remove_node(name)
    dtype = graph.get_dtype(x)
    erf = graph.make_node("Erf", [x], shapes=shapes, dtypes=dtypes)
    one = graph.make_const(f"{name}/one", np.array(1, "float64"))
    one = graph.make_node("Cast", one.output, attr={"to": dtype}, dtypes=dtypes)
    graph.make_node(
        "Sub",
        [one.output[0], erf.output[0]],
        outputs=node.output,
        name=name,
        shapes=shapes,
        dtypes=dtypes,
    )
