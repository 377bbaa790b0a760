import pathlib
import tempfile

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_asym.export.serving_files import write_assets, write_server_settings, write_warmup
from keras_asym.export.signatures import (
    ANY,
    OUTPUTS,
    Contract,
    build_signatures,
    default_inputs,
    stride_of,
)
from keras_asym.files import new_folder
from keras_asym.models import Calibration, Segmenter
from keras_asym.models.calibration import check_branches


def export_saved_model(
    model,
    base_path,
    dtypes=None,
    preprocess=None,
    channels=None,
    *,
    subsets=(),
    outputs=("classes", "confidence"),
    branches=False,
    max_pixels=64_000_000,
    max_request_pixels=None,
    class_names=None,
    description=None,
    warmup_size=None,
    calibration=None,
    any_subset=False,
    is_absent=None,
    side_by_side=False,
):
    """Exports a Segmenter or a Translator as `<base_path>/<version>/`, ready for TF Serving.

    The version is the next free integer. The model is written aside and renamed, so that a
    serving process never sees half of it. What is exported is its `InferenceForm`, with
    weights in variables instead of constants where they are more than 1 GiB. Signatures:

    - `serving_default`: raw images `(batch, height, width, channels)` by modality name, all three
      sizes dynamic.
    - `serving_encoded`: the same images as PNG files (16-bit ones for uint16) or, for uint8, JPEG
      files, a list of strings by modality name. Files with an EXIF or XMP orientation other than
      1 are refused. Only where every modality is uint8 or uint16 with 1, 3 or 4 channels.
    - `serving_rgb`, `serving_rgb_depth`, ...: `serving_default` for each of `subsets`, what a
      client calls when a sensor is gone.
    - `serving_any`, with `any_subset`: `serving_default` for any sensors that each example has. It
      also takes `present`, booleans `(batch, modalities)` in the order of the modalities; `(0,
      modalities)` says that all have what was sent. A sensor that no example has is sent as `(0, 0,
      0, channels)`, or is left out where the server fills in the defaults of a signature. It also
      answers `sensors_used` `(batch, modalities)`. What is absent plays no part, as in the model
      itself, and an example without any sensor is an error. This costs what all sensors cost;
      `subsets` save the work.
    - `serving_any_encoded`: the same of files, with an empty string where an example lacks a
      sensor, and an empty list where all lack it.

    Images that are wrong (shape, no pixels, more than `max_pixels`, too many of them, sizes that
    differ between modalities or that the network cannot take, files that are not what they should
    be) are answered by an INVALID_ARGUMENT that names the input.

    Beside the versions stand `models.config` and `batching.config` for a server that has the base
    path as `/models/<its name>`; they are written once. The assets are `preprocessing.json`, the
    contract with the client, and `class_names.txt`.

    Args:
        model: `Segmenter` or `Translator` on the TensorFlow backend.
        base_path: Folder of all versions of the model; its name is the model's.
        dtypes: Dictionary of modality name -> dtype of the raw input, such as
            `{"rgb": "uint8", "depth": "uint16"}`. A model with a preprocessor knows them.
        preprocess: Function of (modality name, raw tensor) that returns the network's float32
            input; built into the graph. By default a cast, or the model's preprocessor.
        channels: Dictionary of modality name -> channels of the raw input where `preprocess`
            changes their number; by default the network's, or those of the preprocessor.
        subsets: Lists of modality names that get a signature of their own.
        outputs: What a Segmenter answers: `"classes"` `(batch, height, width)` uint8 (int32 from
            257 classes on), `"confidence"` `(batch, height, width)`, the largest probability,
            `"uncertainty"` `(batch, height, width)`, how much the branches disagree, in nats (see
            `Calibration.uncertainty`), and `"probabilities"` `(batch, height, width,
            num_classes)`. The last are no default: at 480x640 and 40 classes they are 49 MB, where
            gRPC clients take 4 MB unless told otherwise. A Translator answers `image` `(batch,
            height, width, channels)` uint8.
        branches: Whether the outputs of each modality are answered beside those of the ensemble,
            as `rgb_classes` and so on.
        max_pixels: Largest height times width of an image.
        max_request_pixels: Largest height times width times number of images that a request may
            have of each modality; by default `max_pixels`. Files are measured before they are
            decoded.
        class_names: List of names, one for each class.
        description: Dictionary of modality name -> what its raw values mean (unit, scale, ...), as
            JSON can hold it; for `preprocessing.json`.
        warmup_size: `(height, width)` of dark images that a server is to run before the first
            request, for each signature; needs tensorflow-serving-api. `None` for none.
        side_by_side: Whether each modality is computed by itself, with its own norms in the
            kernels; see `InferenceForm`. For small networks, and for what is quantized.
        calibration: `keras_asym.models.Calibration` that confidence, uncertainty and probabilities
            are computed with, by the temperature of the modalities that are there; as they are by
            default.
        any_subset: Whether there are signatures that take any subset of the modalities.
        is_absent: With `any_subset`: function of (modality name, raw images) that gives booleans
            `(batch,)`, which frames show nothing (all holes, stuck at one value) and count as
            absent. `None` takes all that is sent.

    Returns:
        Path of the new version.

    Raises:
        ValueError: If `dtypes`, `channels`, `subsets`, `outputs` or `calibration` do not fit the
            model; if `preprocess` is given for a model that has a preprocessor.
    """
    names = list(model.modality_names)
    if model.preprocessor is not None:
        dtypes, preprocess, channels = _of_preprocessor(model, dtypes, preprocess, channels)
    channels = channels or {name: model.network.input[name].shape[-1] for name in names}
    _check(names, dtypes or {}, channels, outputs)
    _check_confidence(model, outputs, calibration, any_subset, is_absent)
    contract = Contract(
        dtypes={name: tf.as_dtype(dtypes[name]).name for name in names},
        channels={name: channels[name] for name in names},
        preprocess=preprocess or (lambda name, image: tf.cast(image, "float32")),
        outputs=tuple(outputs),
        branches=branches,
        max_pixels=max_pixels,
        max_request_pixels=max_pixels if max_request_pixels is None else max_request_pixels,
        stride=stride_of(model),
        calibration=calibration or Calibration(names),
        any_subset=any_subset,
        is_absent=is_absent,
    )
    signatures = build_signatures(model, contract, subsets, side_by_side)
    base_path = pathlib.Path(base_path)
    base_path.mkdir(parents=True, exist_ok=True)
    write_server_settings(base_path)
    taken = [int(p.name) for p in base_path.iterdir() if p.name.isdigit()]
    target = base_path / str(max(taken, default=0) + 1)
    with new_folder(target) as folder:
        with tempfile.TemporaryDirectory() as aside:
            aside = pathlib.Path(aside)
            assets = write_assets(aside, signatures, contract, description or {}, class_names)
            _save(signatures, assets, folder)
        _write_defaults(folder, default_inputs(signatures))
        if warmup_size is not None:
            write_warmup(folder, base_path.name, signatures, contract, warmup_size)
    return target


def _of_preprocessor(model, dtypes, preprocess, channels):
    """Types, preprocessing and channels of a model that takes raw images."""
    if preprocess is not None:
        raise ValueError(
            "`preprocess` must be None for a model with a preprocessor, which takes raw images. "
            f"Received: preprocess={preprocess}"
        )
    converters = {name: model.preprocessor.converters[name] for name in model.modality_names}
    known = {name: x.raw_dtype for name, x in converters.items() if x.raw_dtype}
    stored = {name: x.channels for name, x in converters.items()}
    return {**known, **(dtypes or {})}, lambda name, image: image, channels or stored


def _check(names, dtypes, channels, outputs):
    for argument, value in (("dtypes", dtypes), ("channels", channels)):
        if sorted(value) != sorted(names):
            raise ValueError(
                f"`{argument}` must name the modalities {names}. Received: {argument}={dict(value)}"
            )
    if not outputs or isinstance(outputs, str) or any(name not in OUTPUTS for name in outputs):
        raise ValueError(f"`outputs` must be some of {OUTPUTS}. Received: outputs={outputs!r}")


def _check_confidence(model, outputs, calibration, any_subset, is_absent):
    if isinstance(model, Segmenter) and "uncertainty" in outputs:
        check_branches(model)
    if calibration is not None and calibration.modality_names != tuple(model.modality_names):
        raise ValueError(
            f"`calibration` must be of the modalities {list(model.modality_names)}. Received: one "
            f"of {list(calibration.modality_names)}"
        )
    if is_absent is not None and not any_subset:
        raise ValueError(
            "`is_absent` must be None without `any_subset=True`: only the signature "
            f"'{ANY}' can do without a sensor"
        )


def _save(signatures, assets, path):
    module = tf.Module()
    module.variables_read = [x for f in signatures.values() for x in _variables_read(f)]
    module.files = [tf.saved_model.Asset(str(asset)) for asset in assets]
    tf.saved_model.save(module, str(path), signatures=signatures)


def _variables_read(function):
    # Tracing also notes those that only became constants.
    handles = {id(captured) for captured in function.captured_inputs}
    return [variable for variable in function.graph.variables if id(variable.handle) in handles]


def _write_defaults(folder, defaults):
    """Writes into a SavedModel what is taken for inputs that a client leaves out.

    `tf.saved_model.save` knows of defaults only for arguments of Python functions.
    """
    if not defaults:
        return
    path = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for meta in saved.meta_graphs:
        for key, values in defaults.items():
            for name, value in values.items():
                proto = tf.make_tensor_proto(value.numpy())
                meta.signature_def[key].defaults[name].CopyFrom(proto)
    path.write_bytes(saved.SerializeToString(deterministic=True))
