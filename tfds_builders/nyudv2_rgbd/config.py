"""Which form of NYUDv2 is built."""

import dataclasses

import tensorflow_datasets.public_api as tfds

from tfds_builders.nyudv2_rgbd.class_names import CLASS_NAMES_13, CLASS_NAMES_40

CLASS_NAMES = {40: CLASS_NAMES_40, 13: CLASS_NAMES_13}


@dataclasses.dataclass(init=False)
class NYUDv2Config(tfds.core.BuilderConfig):
    """A form of NYUDv2, named after its arguments.

    Args:
        num_classes: 40 or 13.
        source: `"mat"` for the official files, `"folder"` for the papers' preprocessed folder.
        raw_depth: Whether the depth has the sensor's holes, instead of the in-painted depth.
        full_frame: Whether frames keep their white border (480x640), instead of the papers' crop
            `[6:474, 7:632]` (468x625). This and `raw_depth` are for the official files.
    """

    num_classes: int = 40
    source: str = "mat"
    raw_depth: bool = False
    full_frame: bool = False

    def __init__(self, num_classes=40, source="mat", raw_depth=False, full_frame=False):
        if num_classes not in CLASS_NAMES:
            raise ValueError(
                f"`num_classes` must be 40 or 13. Received: num_classes={num_classes!r}"
            )
        if source not in ("mat", "folder"):
            raise ValueError(f"`source` must be 'mat' or 'folder'. Received: source={source!r}")
        if source == "folder" and (raw_depth or full_frame):
            raise ValueError(
                "`raw_depth` and `full_frame` must be left out for source='folder': its files "
                f"are taken as they are. Received: raw_depth={raw_depth}, full_frame={full_frame}"
            )
        name = f"{num_classes}_classes"
        name += "_folder" if source == "folder" else ""
        name += "_raw" if raw_depth else ""
        name += "_full_frame" if full_frame else ""
        files = "the papers' preprocessed folder" if source == "folder" else "the official files"
        description = f"{num_classes} classes, from {files}"
        if source == "mat":
            description += ", depth with holes" if raw_depth else ", in-painted depth"
            description += ", 480x640" if full_frame else ", 468x625"
        super().__init__(name=name, description=f"{description}.")
        self.num_classes = num_classes
        self.source = source
        self.raw_depth = raw_depth
        self.full_frame = full_frame

    @property
    def class_names(self):
        return CLASS_NAMES[self.num_classes]

    @property
    def size(self):
        """Height and width of the frames, None where it is the files' own."""
        if self.source == "folder":
            return None, None
        return (480, 640) if self.full_frame else (468, 625)
