"""Rendered rooms with sensors that fail: four of six, in light, darkness, fog, glare and dust.

    python -m recipes.segmentation.train \
        --config=rendered_rooms_sensors --workdir=runs/sensors
    python -m recipes.segmentation.robustness --workdir=runs/sensors

Steps are those of `rendered_rooms.py`, with a network for each sensor: shared kernels lose much
more here when sensors fail (docs/measured.md, "When sensors are absent"). The ensemble learns whom
to trust at a pixel, on random subsets of the sensors. In a quarter of the examples one of the six
has failed, which the data set says, so that it counts in none. With all six:

    --config.inputs=rgb,depth,thermal,infrared,event,normal

A CPU does; the program prints the time. The papers have no figure for these data. Mean and
standard deviation are those of 60 frames.
"""

from recipes.segmentation.configs import rendered_rooms


def get_config():
    config = rendered_rooms.get_config()
    config.data.name = "rendered_rooms/sensors"
    config.data.num_examples = {"train": 400, "validation": 100, "test": 100}
    config.modalities.thermal = {
        "channels": 1,
        "scale": 0.01,  # hundredths to kelvins
        "mean": 293.4,
        "std": 2.5,
        "interpolation": "nearest",
        "invalid": 0,
    }
    config.modalities.infrared = {
        "channels": 1,
        "scale": 1 / 255,
        "mean": 0.44,
        "std": 0.1,
        "interpolation": "bilinear",
    }
    config.modalities.event = {
        "channels": 1,
        "mean": 128.0,  # no event
        "std": 2.0,
        "interpolation": "nearest",
    }
    config.modalities.normal = {
        "channels": 3,
        "encoding": "uint8",
        "interpolation": "nearest",
        "invalid": (128, 128, 128),
        "mirror_channels": 0,
    }
    config.inputs = ("rgb", "depth", "thermal", "infrared")
    config.fusion.name = "unshared_networks"
    config.fusion.ensemble = "pixel"
    config.fusion.ensemble_rate = 1.0  # its heads learn whom to trust
    config.fusion.modality_dropout = ("uniform",)  # of the ensemble: the branches do not meet
    return config
