"""The classes of the rendered rooms, in the order of their indices."""

CLASS_NAMES = (
    "wall",
    "floor",
    "ceiling",
    "door",
    "window",
    "picture",
    "rug",
    "cabinet",
    "table",
    "sofa",
    "box",
    "ottoman",
    "lamp",
)

LABEL = {name: index for index, name in enumerate(CLASS_NAMES)}
