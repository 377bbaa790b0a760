"""Resolution and size of the data set."""

import dataclasses

import tensorflow_datasets.public_api as tfds

from tfds_builders.cityscapes_rgbd.frames import FOLDERS

FRAME_SIZE = (1024, 2048)
NUM_EXAMPLES = {"train": 2975, "validation": 500, "test": 1525}
_RESOLUTIONS = {1: "full", 2: "half"}


@dataclasses.dataclass(init=False)
class CityscapesRGBDConfig(tfds.core.BuilderConfig):
    """Resolution of the frames, and what the archives must hold.

    Args:
        divisor: 1 for the full resolution, 2 for half of it.
        frame_size: Height and width of the archives' frames.
        num_examples: Dictionary from split (`"train"`, `"validation"`, `"test"`) to number of
            frames. Another number in the archives is an error. A split that is left out is not
            built.
        name: Defaults to `"full"` or `"half"`, with frame size and numbers if they are not the
            default ones.
        **kwargs: Of `tfds.core.BuilderConfig`.

    Raises:
        ValueError: If an argument is wrong.
    """

    divisor: int = 1
    frame_size: tuple = FRAME_SIZE
    num_examples: dict = dataclasses.field(default_factory=dict)

    def __init__(self, divisor=1, frame_size=FRAME_SIZE, num_examples=None, *, name=None, **kwargs):
        if divisor not in _RESOLUTIONS:
            raise ValueError(f"`divisor` must be 1 or 2. Received: divisor={divisor}")
        if len(frame_size) != 2 or any(size < 1 or size % divisor for size in frame_size):
            raise ValueError(
                "`frame_size` must be height and width, divisible by `divisor`. "
                f"Received: frame_size={frame_size}, divisor={divisor}"
            )
        num_examples = dict(NUM_EXAMPLES if num_examples is None else num_examples)
        if (
            not num_examples
            or not set(num_examples) <= set(FOLDERS)
            or any(number < 1 for number in num_examples.values())
        ):
            raise ValueError(
                f"`num_examples` must map names of {sorted(FOLDERS)} to numbers above 0. "
                f"Received: num_examples={num_examples}"
            )
        # In one order, so that one content has one name.
        num_examples = {split: num_examples[split] for split in FOLDERS if split in num_examples}
        height, width = frame_size
        if name is None:
            name = _RESOLUTIONS[divisor]
            if (height, width) != FRAME_SIZE:
                name += f"_of_{height}x{width}"
            if num_examples != NUM_EXAMPLES:
                name += "".join(f"_{split}{number}" for split, number in num_examples.items())
        kwargs.setdefault(
            "description", f"Frames of {height // divisor} x {width // divisor} pixels."
        )
        super().__init__(name=name, **kwargs)
        self.divisor = divisor
        self.frame_size = (height, width)
        self.num_examples = num_examples

    @property
    def shape(self):
        """Height and width of the examples."""
        return tuple(size // self.divisor for size in self.frame_size)
