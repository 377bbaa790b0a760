"""What a trained model costs: parameters, multiply-accumulates, time and memory.

    python -m keras_asym.profile --model=runs/rooms/best.keras --height=240 --width=320

The time is that of the ensemble's answer to random images of the network's own values (float32),
of which every run gets the same; each format runs in a process of its own, whose peak of memory is
told, TensorFlow or the other runtime included. The median stands beside the quartiles. Messages of
TensorFlow and the converters go to the standard error: `2> /dev/null` leaves the table.

    python -m keras_asym.profile --model=served/rooms/1 --quantize

quantizes the model to int8 for LiteRT, ONNX Runtime and OpenVINO, and prints the times of float32
and int8, the share of equal answers, and where there are masks both mean IoUs. The model is the
folder of an exported version, from raw images to classes, or a `.keras` file. The images that it
needs are those that `python -m recipes.TASK.export --quantize` keeps, or `--quantization_images`.
"""

import argparse
import sys

from keras_asym.profile.quantized import FORMATS as QUANTIZED
from keras_asym.profile.quantized import profile_quantized
from keras_asym.profile.report import FORMATS, profile


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m keras_asym.profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", required=True, help=".keras file of a Segmenter or Translator")
    parser.add_argument("--height", type=int, help="of the images; default 240, or their own")
    parser.add_argument("--width", type=int, help="of the images; default 320, or their own")
    parser.add_argument("--formats", help=f"default {','.join(FORMATS)}; openvino too")
    parser.add_argument("--batch", default="1,8", help="sizes of the batches; default 1,8")
    parser.add_argument("--repetitions", type=int, default=20, help="timed calls; default 20")
    parser.add_argument("--threads", type=int, help="of a runtime; as many as cores by default")
    parser.add_argument("--quantize", action="store_true", help="int8 beside float32, batch 1")
    parser.add_argument("--quantization_images", help=".npz file for it")
    options = parser.parse_args(arguments)
    try:
        batches = sorted({int(number) for number in options.batch.split(",")})
    except ValueError:
        parser.error(f"--batch must be numbers, such as 1,8. Received: {options.batch}")
    for name in ("height", "width", "repetitions", "threads"):
        value = getattr(options, name)
        if value is not None and value < 1:
            parser.error(f"--{name} must be at least 1. Received: {value}")
    if batches[0] < 1:
        parser.error(f"--batch must be at least 1. Received: {options.batch}")
    formats = options.formats and options.formats.split(",")
    more = options.repetitions, options.threads
    size = options.height, options.width
    try:
        if options.quantize:
            images = options.quantization_images
            profile_quantized(options.model, images, formats or QUANTIZED, *size, *more)
        else:
            size = size[0] or 240, size[1] or 320
            profile(options.model, *size, formats or FORMATS, batches, *more)
    except (ValueError, ImportError, OSError, RuntimeError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
