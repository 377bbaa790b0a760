"""Taskonomy with the papers' settings; the configs `taskonomy_*` choose the domains.

1000 training and 500 test lines, 256x256, batch size 1, 300 epochs. The lists are passed with
`--config.data.lists.train=FILE --config.data.lists.test=FILE`, the folder of the images with
`--config.data.root=FOLDER`. Meant for a GPU: the images may not be redistributed.
"""

from recipes.image_translation.configs import default


def of_domains(inputs, target="rgb"):
    """The papers' settings for some input domains and a target."""
    config = default.get_config()
    config.inputs = inputs
    config.target = target
    config.data.columns = (*inputs, target)
    return config


def get_config():
    return of_domains(("reshading", "edge_texture"))
