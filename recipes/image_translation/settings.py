"""What the settings of image translation must be, so that a wrong one ends a run at once."""

from recipes import settings
from recipes.image_translation import evaluation
from recipes.image_translation.model import GENERATORS

RULES = {
    "target": settings.text(),
    "data.image_size": settings.size(optional=True),
    "epochs": settings.whole(1),
    "generator.name": settings.one_of(list(GENERATORS)),
    "generator.filters": settings.whole(1),
    "generator.depth": settings.whole(2),
    "generator.dropout": settings.number(0, 1),
    "generator.depths": settings.sequence(settings.whole(1), 5),
    "generator.decoder_depths": settings.sequence(settings.whole(1), 4),
    "generator.drop_path": settings.number(0, 1),
    "discriminator.filters": settings.whole(1),
    "l1_weight": settings.number(0),
    "dropout_at_test": settings.flag(),
    "instance_statistics": settings.flag(),
    "optimizer.rate": settings.number(0),
    "optimizer.beta_1": settings.number(0, 1),
    "optimizer.beta_2": settings.number(0, 1),
    "inception.path": settings.text(),
    "inception.protocol": settings.one_of(("clean", "published")),
    "inception.subset_size": settings.whole(2),
    "augmentation.resize": settings.size(optional=True),
}


def check_settings(config, specs):
    """Raises `ValueError` for the first setting that is wrong beside others, each right by itself.

    Args:
        config: The task's config, which keeps `RULES`.
        specs: `{name: spec}` of the inputs and of the target.
    """
    for name, spec in specs.items():
        if spec.get("stem") is not None:
            raise ValueError(
                f"`config.modalities.{name}.stem` must be None here: it is for encoders with "
                f"ImageNet weights. Received: stem={spec['stem']!r}"
            )
    size = tuple(config.augmentation.size)
    evaluation.check_size(size)
    if config.precision == "mixed_float16":
        raise ValueError(
            "`config.precision` must not be mixed_float16 here, as the two players would need "
            "a loss scale each: use mixed_bfloat16. Received: precision='mixed_float16'"
        )
    stride = GENERATORS[config.generator.name].stride(config.generator)
    if any(side % stride for side in size):
        raise ValueError(
            f"`config.augmentation.size` must be multiples of the generator's stride {stride}, "
            f"for a U-Net 2**config.generator.depth. Received: size={size}"
        )
