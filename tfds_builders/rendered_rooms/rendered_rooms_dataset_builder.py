"""TFDS builder `rendered_rooms`: random rooms, rendered while the data set is built."""

import dataclasses
from typing import ClassVar

import numpy as np
import tensorflow_datasets.public_api as tfds

from tfds_builders.rendered_rooms.class_names import CLASS_NAMES
from tfds_builders.rendered_rooms.conditions import CONDITIONS
from tfds_builders.rendered_rooms.render import render
from tfds_builders.rendered_rooms.suite import FAILURES, SENSORS, render_sensors

# First seed of each split; a split may hold this many frames before it would meet the next.
SEEDS_PER_SPLIT = 1_000_000
FIRST_SEED = {"train": 0, "validation": SEEDS_PER_SPLIT, "test": 2 * SEEDS_PER_SPLIT}
NUM_EXAMPLES = {"train": 400, "validation": 60, "test": 100}
NUM_SENSOR_EXAMPLES = {"train": 400, "validation": 100, "test": 100}
SIZE = (160, 120)


@dataclasses.dataclass(init=False)
class RenderedRoomsConfig(tfds.core.BuilderConfig):
    """Size of the frames and how many of them.

    Args:
        width, height: Size in pixels.
        num_examples: Dictionary from split (`"train"`, `"validation"`, `"test"`) to number of
            frames. A split that is left out is not built. Frame i of a split is the same whatever
            the number.
        sensors: Whether the frames are those of six sensors in five conditions, see
            `render_sensors`, in place of one camera and exact domains.
        name: Defaults to `"{width}x{height}"`, with the numbers of examples if they are not the
            default ones; with sensors to `"sensors"`, with size and numbers if they are not.
        **kwargs: Of `tfds.core.BuilderConfig`.
    """

    width: int = 160
    height: int = 120
    num_examples: dict = dataclasses.field(default_factory=dict)
    sensors: bool = False

    def __init__(
        self, width=160, height=120, num_examples=None, sensors=False, *, name=None, **kwargs
    ):
        usual = NUM_SENSOR_EXAMPLES if sensors else NUM_EXAMPLES
        num_examples = dict(usual if num_examples is None else num_examples)
        for split, number in num_examples.items():
            if split not in FIRST_SEED or not 0 < number <= SEEDS_PER_SPLIT:
                raise ValueError(
                    f"`num_examples` must map names of {sorted(FIRST_SEED)} to numbers in "
                    f"1..{SEEDS_PER_SPLIT}. Received: num_examples={num_examples}"
                )
        if not num_examples:
            raise ValueError("`num_examples` must name a split. Received: num_examples={}")
        # In one order, so that one content has one name.
        num_examples = {s: int(num_examples[s]) for s in FIRST_SEED if s in num_examples}
        if name is None:
            name = f"{width}x{height}"
            if sensors:
                name = "sensors" if (width, height) == SIZE else f"sensors_{name}"
            if num_examples != usual:
                name += "".join(f"_{split}{n}" for split, n in num_examples.items())
        of = "Six sensors in five conditions, f" if sensors else "F"
        kwargs.setdefault("description", f"{of}rames of {width} x {height} pixels.")
        super().__init__(name=name, **kwargs)
        self.width = width
        self.height = height
        self.num_examples = num_examples
        self.sensors = sensors


class Builder(tfds.core.GeneratorBasedBuilder):
    """Random furnished rooms: aligned modalities, labels and geometry.

    Example:

    >>> import tensorflow_datasets as tfds
    >>> import tfds_builders
    >>> tfds.load("rendered_rooms/160x120", split="train", data_dir=...)
    """

    VERSION = tfds.core.Version("1.1.0")
    RELEASE_NOTES: ClassVar = {
        "1.1.0": "Albedo, illumination and radiance added; all others as in 1.0.0.",
        "1.0.0": "First version.",
    }
    BUILDER_CONFIGS: ClassVar = [
        RenderedRoomsConfig(160, 120),
        RenderedRoomsConfig(320, 240),
        RenderedRoomsConfig(160, 120, sensors=True),
    ]

    def __init__(self, *, config=None, **kwargs):
        # TFDS refuses an equal copy of a configuration that it knows; its name does as well.
        if config in self.BUILDER_CONFIGS:
            config = config.name
        super().__init__(config=config, **kwargs)

    def _info(self):
        shape = (self.builder_config.height, self.builder_config.width)

        def image(dtype, channels):
            return tfds.features.Image(shape=(*shape, channels), dtype=dtype, encoding_format="png")

        features = {"id": tfds.features.Text(doc="Split and index of the frame.")}
        if self.builder_config.sensors:
            features |= {
                "rgb": image(np.uint8, 3),
                "depth": image(np.uint16, 1),
                "thermal": image(np.uint16, 1),
                "event": image(np.uint8, 1),
                "normal": image(np.uint8, 3),
                "infrared": image(np.uint8, 1),
                "condition": tfds.features.ClassLabel(names=list(CONDITIONS)),
                "failure": tfds.features.ClassLabel(names=list(FAILURES)),
                "present": tfds.features.Tensor(
                    shape=(len(SENSORS),), dtype=np.bool_, doc="Which of `metadata['sensors']`."
                ),
            }
        else:
            features |= {
                "rgb": image(np.uint8, 3),
                "depth": image(np.uint16, 1),
                "normal": image(np.uint8, 3),
                "reshading": image(np.uint8, 3),
                "depth_euclidean": image(np.uint16, 1),
                "depth_zbuffer": image(np.uint16, 1),
                "edge_texture": image(np.uint16, 1),
                "edge_occlusion": image(np.uint16, 1),
                "albedo": image(np.uint8, 3),
                "illumination": image(np.uint8, 1),
                "radiance": image(np.uint8, 3),
            }
        features["label"] = tfds.features.LabeledImage(
            labels=list(CLASS_NAMES), shape=(*shape, 1), dtype=np.uint8, encoding_format="png"
        )
        metadata = None
        if self.builder_config.sensors:
            metadata = tfds.core.MetadataDict(sensors=list(SENSORS), units_per_metre=1000)
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features), metadata=metadata
        )

    def _split_generators(self, dl_manager):
        del dl_manager
        return {
            split: self._generate_examples(split, number)
            for split, number in self.builder_config.num_examples.items()
        }

    def _generate_examples(self, split, number):
        make = render_sensors if self.builder_config.sensors else render
        for index in range(number):
            frame = make(
                FIRST_SEED[split] + index, self.builder_config.width, self.builder_config.height
            )
            yield index, {"id": f"{split}/{index:06d}", **frame}
