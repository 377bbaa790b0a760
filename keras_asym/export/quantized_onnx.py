"""Post-training quantization of an ONNX graph to int8, by ONNX Runtime."""

import pathlib
import tempfile

import numpy as np

from keras_asym.optional import import_optional

_OPERATIONS = (
    "Add",
    "ArgMax",
    "AveragePool",
    "Clip",
    "Concat",
    "Conv",
    "Gemm",
    "GlobalAveragePool",
    "MatMul",
    "MaxPool",
    "Mul",
    "Relu",
    "Resize",
)
_WITH_KERNELS = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def quantized(model, batches):
    """The graph with int8 kernels and activations, as ONNX Runtime and OpenVINO read it.

    Kernels are quantized by channel, with 7 bits: without VNNI instructions products of 8 bits
    overflow. What stands in front of the first convolution, the preprocessing, stays in float32.

    Args:
        model: `onnx.ModelProto`.
        batches: List of dictionaries of arrays by input name, by which ranges are found.

    Returns:
        `onnx.ModelProto`.

    Raises:
        ImportError: If ONNX Runtime is not installed.
    """
    needs = "Quantization needs ONNX Runtime"
    onnxruntime = import_optional("onnxruntime", "onnx", needs)
    quantization = import_optional("onnxruntime.quantization", "onnx", needs)
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        source, target = (str(pathlib.Path(folder) / f"{name}.onnx") for name in ("f32", "int8"))
        options = onnxruntime.SessionOptions()
        # Constants computed and norms put into kernels, but no layout of one processor.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = source
        onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        plain = onnx.load(source)
        # ONNX Runtime's mark of what was optimized in front, without which it warns.
        plain.metadata_props.add(key="onnx.infer", value="onnxruntime.quant")
        quantization.quantize_static(
            plain,
            target,
            _Reader(batches),
            op_types_to_quantize=list(_OPERATIONS),
            nodes_to_exclude=_in_front(plain.graph),
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        return onnx.load(target)


class _Reader:
    """What ONNX Runtime takes its calibration data from."""

    def __init__(self, batches):
        self.batches = iter(batches)

    def get_next(self):
        batch = next(self.batches, None)
        return batch and {name: np.asarray(value) for name, value in batch.items()}

    def set_range(self, start_index, end_index):
        pass


def _in_front(graph):
    """Names of the nodes that no convolution or dense layer stands in front of."""
    behind, names = set(), []
    for node in graph.node:  # in topological order
        if node.op_type in _WITH_KERNELS or any(name in behind for name in node.input):
            behind.update(node.output)
        else:
            names.append(node.name)
    return names
