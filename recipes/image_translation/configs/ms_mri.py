"""Brain MRI, T1 + T2 to FLAIR, with the network of `rendered_rooms.py`.

    python -m recipes.image_translation.train --config=ms_mri --workdir=runs/mri \
        --config.data.root=FOLDER

`FOLDER` holds the repository, see `tfds_builders/ms_mri`; the splits are by patient. Slices as
images with list files, their columns in the order of `config.data.columns`:

    --config.data.name=multimodal_folder --config.data.root=FOLDER

22 epochs of two patients (182 slices) are 990 steps, as many as the demo's. Most of a slice is
outside of the brain, which any network paints black: MAE and MSE are small for that reason alone. A
CPU does; the program prints the time. The papers have no figures for these data.
"""

from recipes.image_translation.configs import rendered_rooms


def get_config():
    config = rendered_rooms.get_config()
    config.data.name = "ms_mri"
    config.data.columns = ("flair", "label", "t1", "t2", "t1post")
    config.data.class_names = ("brain", "lesion")
    config.data.lists = {"train": "train.txt", "validation": "val.txt", "test": ""}
    for name in ("flair", "t1", "t2", "t1post"):
        config.modalities[name] = {"channels": 1, "encoding": "uint8"}
    config.inputs = ("t1", "t2")
    config.target = "flair"
    config.epochs = 22
    return config
