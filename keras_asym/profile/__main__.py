"""What a trained model costs: parameters, multiply-accumulates, time and memory.

    python -m keras_asym.profile --model=runs/rooms/best.keras --height=240 --width=320

The time is that of the ensemble's answer to random images of the network's own values (float32),
of which every run gets the same; each format runs in a process of its own, whose peak of memory is
told, TensorFlow or the other runtime included. The median stands beside the quartiles. Messages of
TensorFlow and the converters go to the standard error: `2> /dev/null` leaves the table.
"""

import argparse
import sys

from keras_asym.profile.report import FORMATS, profile


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m keras_asym.profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", required=True, help=".keras file of a Segmenter or Translator")
    parser.add_argument("--height", type=int, default=240, help="of the images; default 240")
    parser.add_argument("--width", type=int, default=320, help="of the images; default 320")
    parser.add_argument(
        "--formats", default=",".join(FORMATS), help=f"default {','.join(FORMATS)}; openvino too"
    )
    parser.add_argument("--batch", default="1,8", help="sizes of the batches; default 1,8")
    parser.add_argument("--repetitions", type=int, default=20, help="timed calls; default 20")
    parser.add_argument("--threads", type=int, help="of a runtime; as many as cores by default")
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
    try:
        profile(
            options.model,
            options.height,
            options.width,
            options.formats.split(","),
            batches,
            options.repetitions,
            options.threads,
        )
    except (ValueError, ImportError, OSError, RuntimeError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
