"""OMBRIA: floods in optical and radar images, with network, crops and steps of `rendered_rooms.py`.

    python -m recipes.segmentation.train --config=ombria --workdir=runs/ombria \
        --config.data.root=FOLDER

`FOLDER` holds the repository, see `tfds_builders/ombria`: 624 places to train, 7 epochs of 78
steps. The reported split is `test`, the floods of 2021; the best epoch is chosen on `validation`.
With the images from before the flood, four sensors:

    --config.inputs=rgb,sar,rgb_before,sar_before

Images of the same kind with list files (their columns in the order of `config.data.columns`), here
of 260 places, so 16 epochs of 32 steps:

    --config.data.name=multimodal_folder --config.data.root=FOLDER --config.stages.0.epochs=16

A CPU does; the program prints the time. "Dry" everywhere has a mean IoU of about 33 %.

substitute: OmbriaNet's paper (IEEE document 9723593) has another network and other splits. Mean and
standard deviation are those of 260 training places.
"""

from recipes.segmentation.configs import rendered_rooms


def _image(channels, mean, std):
    return {
        "channels": channels,
        "scale": 1 / 255,
        "mean": mean,
        "std": std,
        "interpolation": "bilinear",
    }


def get_config():
    config = rendered_rooms.get_config()
    config.data.name = "ombria"
    config.data.columns = ("rgb", "label", "sar", "rgb_before", "sar_before")
    config.data.class_names = ("dry", "flooded")
    config.modalities.rgb = _image(3, (0.165, 0.234, 0.158), (0.130, 0.132, 0.129))
    config.modalities.sar = _image(1, 0.595, 0.197)
    config.modalities.rgb_before = _image(3, (0.283, 0.299, 0.127), (0.119, 0.104, 0.081))
    config.modalities.sar_before = _image(1, 0.518, 0.193)
    config.inputs = ("rgb", "sar")
    config.stages = ({"epochs": 7, "encoder_rate": 4e-3, "decoder_rate": 2e-3},)
    return config
