"""Rendered rooms, albedo and illumination to the radiance: what only both inputs determine.

    python -m recipes.image_translation.compare \
        --config=rendered_rooms_albedo_illumination --workdir=runs/radiance --variants=all

The radiance is the product of the two inputs, pixel by pixel, and neither says anything about the
other, so a network on one of them stays far from the target however it is trained. The rest is the
demo's, `rendered_rooms.py`, and takes as long. The papers have no such data.
"""

from recipes.image_translation.configs import rendered_rooms


def get_config():
    config = rendered_rooms.get_config()
    config.modalities.albedo = {"channels": 3, "encoding": "uint8"}
    config.modalities.illumination = {"channels": 1, "encoding": "uint8"}
    config.modalities.radiance = {"channels": 3, "encoding": "uint8"}
    config.inputs = ("albedo", "illumination")
    config.target = "radiance"
    config.dropout_at_test = False  # the target is one picture, not a choice among many
    return config
