"""What holds for every public name."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_asym

NAMES = {
    "layers": (
        "ChannelExchange",
        "ChannelShuffle",
        "FoldModalities",
        "ModalityBatchNormalization",
        "ModalityBlock",
        "ModalityCopies",
        "ModalityEnsemble",
        "ModalityGroupNormalization",
        "ModalityInstanceNormalization",
        "ModalityLayer",
        "ModalityLayerNormalization",
        "ModalityRMSNormalization",
        "PixelShift",
        "SelectedModalities",
        "SensorConverter",
        "TokenExchange",
        "TokenScores",
        "UnfoldModalities",
    ),
    "regularizers": ("EachModality", "ModalityShareL1"),
    "fusion": (
        "Alignment",
        "AsymmetricFusion",
        "Averaging",
        "ChannelExchanging",
        "Combined",
        "Concatenation",
        "FusionStrategy",
        "GatedFusion",
        "GraphEdits",
        "Merging",
        "MultiModalFusion",
        "PrivateNormalization",
        "SharedNormalizations",
        "TokenExchanging",
        "UnsharedNetworks",
        "find_sites",
        "register_normalization",
        "to_multimodal",
    ),
    "metrics": (
        "AreaUnderRiskCoverage",
        "BrierScore",
        "ExpectedCalibrationError",
        "FrechetDistance",
        "InceptionDistances",
        "KernelDistance",
        "NegativeLogLikelihood",
    ),
    "networks": (
        "AdapNetPP",
        "DeepLabV3",
        "DeepLabV3Plus",
        "FIDInception",
        "MixTransformer",
        "PSPNet",
        "PatchDiscriminator",
        "RefineNet",
        "ResNet",
        "SegFormer",
        "UNetGenerator",
        "Xception",
    ),
    "models": (
        "Calibration",
        "Segmenter",
        "Translator",
        "fit_confidence",
        "fit_temperature",
    ),
    "weights": ("load_reference_checkpoint", "load_reference_state_dict"),
    "testing": ("check_layer", "check_strategy"),
}


def public(*modules):
    """Classes and functions of this package that the modules offer, in order of their names."""
    found = {}
    for module in modules:
        members = vars(importlib.import_module(f"keras_asym.{module}"))
        for name, value in members.items():
            is_ours = getattr(value, "__module__", "").startswith("keras_asym")
            if not name.startswith("_") and is_ours and callable(value):
                found[name] = value
    return [found[name] for name in sorted(found)]


def stem(cls):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=S)(?=N)", "_", cls.__name__).lower()


def named(values):
    return [pytest.param(value, id=value.__name__) for value in values]


LAYERS = public("layers")
BASES = (keras_asym.fusion.FusionStrategy, keras_asym.fusion.Merging)
STRATEGIES = [
    x
    for x in public("fusion")
    if inspect.isclass(x) and issubclass(x, keras_asym.fusion.FusionStrategy) and x not in BASES
]
REGULARIZERS = [x for x in public("regularizers") if inspect.isclass(x)]
CLASSES = named([*LAYERS, *STRATEGIES, *REGULARIZERS])
MODULES = ["layers", "regularizers", "fusion", "networks", "models", "losses", "metrics", "weights"]
MODULES += ["testing"]
if keras.backend.backend() == "tensorflow":
    MODULES += ["training", "export"]
EXAMPLES = named([x for x in public(*MODULES) if ">>>" in (x.__doc__ or "")])


def sections(value):
    return re.findall(r"^ *([A-Z][a-z ]+):$", value.__doc__, re.MULTILINE)


@pytest.mark.parametrize("module", NAMES)
def test_stable_names(module):
    for name in NAMES[module]:
        assert hasattr(importlib.import_module(f"keras_asym.{module}"), name)


@pytest.mark.parametrize("cls", CLASSES)
def test_docstring(cls):
    doc = sections(cls)
    assert cls.__doc__.split("\n")[0].endswith(".")
    arguments = set(inspect.signature(cls).parameters) - {"kwargs"}
    if arguments:
        assert "Args" in doc
        text = cls.__doc__.split("Args:")[1].split("\n\n")[0]
        assert all(re.search(rf"\b{name}\b", text) for name in arguments)
    assert "Example" in doc
    if "raise ValueError" in inspect.getsource(cls):
        assert "Raises" in doc


@pytest.mark.parametrize("layer", named(LAYERS))
def test_docstring_of_layers(layer):
    doc = sections(layer)
    assert doc.index("Input shape") < doc.index("Output shape") < doc.index("Example")
    parameters = inspect.signature(layer.call).parameters.values()
    call = {x.name for x in parameters if x.kind is x.POSITIONAL_OR_KEYWORD} - {"self"}
    if call != {"inputs"}:
        text = layer.__doc__.split("Call arguments:")[1].split("\n\n")[0]
        assert all(re.search(rf"\b{name}:", text) for name in call)


@pytest.mark.parametrize("cls", CLASSES)
def test_registered_for_saving(cls):
    assert keras.saving.get_registered_name(cls) == f"keras_asym>{cls.__name__}"
    assert keras.saving.get_registered_object(f"keras_asym>{cls.__name__}") is cls


@pytest.mark.parametrize("cls", CLASSES)
def test_config_holds_every_argument(cls):
    norm = keras_asym.layers.ModalityBatchNormalization(2)
    required = {
        "modalities": 2,
        "num_heads": 2,
        "channels": 3,
        "size": 2,
        "rate": 0.5,
        "layer": norm,
        "rows": (1,),
        "strategies": [keras_asym.fusion.PrivateNormalization()],
        "of_one": keras.regularizers.L2(1e-3),
        "converters": {"depth": keras_asym.layers.SensorConverter(1)},
    }
    if cls is keras_asym.layers.SharedNormalization:
        required["layer"] = keras_asym.layers.ModalityBatchNormalization(1)
    if cls is keras_asym.layers.ModalityBlock:
        required["layer"] = keras.saving.serialize_keras_object(keras.layers.LayerNormalization())
        required |= {"norms": {}, "arguments": ((keras.KerasTensor((None, 3)),), {})}
    parameters = inspect.signature(cls).parameters
    given = {name: value for name, value in required.items() if name in parameters}
    config = cls(**given).get_config()
    assert set(parameters) - {"kwargs"} <= set(config)


@pytest.mark.parametrize("cls", named([*LAYERS, *STRATEGIES]))
def test_one_class_in_a_file_of_its_name_with_a_test(cls):
    assert cls.__module__.split(".")[-1] == stem(cls)
    room = cls.__module__.split(".")[1]
    test = Path(__file__).parent / room / f"{stem(cls)}_test.py"
    assert test.exists()
    assert room != "layers" or "(LayerContract)" in test.read_text()


def test_arguments_of_batch_normalization_are_those_of_keras():
    ours, theirs = (
        set(inspect.signature(cls).parameters)
        for cls in (
            keras_asym.layers.ModalityBatchNormalization,
            keras.layers.BatchNormalization,
        )
    )
    assert {name for name in theirs if not name.startswith("renorm")} - ours == {"axis"}
    assert ours - theirs == {"modalities", "freeze_statistics"}


class ShapeChecker(doctest.OutputChecker):
    """TensorFlow prints the shape (4, 8) as TensorShape([4, 8])."""

    def check_output(self, want, got, optionflags):
        got = re.sub(r"TensorShape\(\[(.*?)\]\)", r"(\1)", got)
        return super().check_output(want, got, optionflags)


@pytest.mark.parametrize("value", EXAMPLES)
def test_examples_run(value):
    names = {"keras": keras, "keras_asym": keras_asym, "np": np}
    example = doctest.DocTestParser().get_doctest(value.__doc__, names, value.__name__, None, 0)
    assert example.examples
    report = []
    runner = doctest.DocTestRunner(ShapeChecker(), optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(example, out=report.append)
    assert not report, "".join(report)
