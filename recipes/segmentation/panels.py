"""Example panels and the legend of a segmentation report."""

from recipes.segmentation.colors import colorize, displayable, palette


def example_panel(name, inputs, modalities, truth, predictions, num_classes):
    """One row of pictures: inputs, truth, each branch's prediction.

    Args:
        name: the example's id.
        inputs: `dict` from modality to its raw image `(height, width, channels)`.
        modalities: `dict` from modality to its spec.
        truth: integer `(height, width)`, 255 = void; or `None`.
        predictions: `dict` from branch to integer `(height, width)`.
        num_classes: number of classes.

    Returns:
        An example for `recipes.report.write_report`.
    """
    images = {f"input: {key}": displayable(inputs[key], modalities[key]) for key in modalities}
    if truth is not None:
        images["truth"] = colorize(truth, num_classes)
    images.update({key: colorize(value, num_classes) for key, value in predictions.items()})
    return {"name": name, "images": images}


def class_legend(class_names):
    """`dict` from class name to its colour `(red, green, blue)`, and void."""
    colors = palette(len(class_names))
    legend = {
        name: tuple(int(value) for value in color)
        for name, color in zip(class_names, colors, strict=True)
    }
    return {**legend, "void": (0, 0, 0)}
