"""The 40 classes of Gupta et al. (2013) and the 13 classes of Couprie et al. (2013)."""

# Of each of the 40 classes, in the order of their indices, the one of the 13 that it belongs to.
# The numbers are those of `class13Mapping.mat` (github.com/ankurhanda/nyuv2-meta-data), the mapping
# of SceneNet (Handa et al., 2016).
THIRTEEN_OF_FORTY = {
    "wall": "wall",
    "floor": "floor",
    "cabinet": "furniture",
    "bed": "bed",
    "chair": "chair",
    "sofa": "sofa",
    "table": "table",
    "door": "wall",
    "window": "window",
    "bookshelf": "furniture",
    "picture": "picture",
    "counter": "furniture",
    "blinds": "window",
    "desk": "table",
    "shelves": "furniture",
    "curtain": "window",
    "dresser": "furniture",
    "pillow": "objects",
    "mirror": "objects",
    "floor mat": "floor",
    "clothes": "objects",
    "ceiling": "ceiling",
    "books": "books",
    "refrigerator": "furniture",
    "television": "tv",
    "paper": "objects",
    "towel": "objects",
    "shower curtain": "objects",
    "box": "objects",
    "whiteboard": "objects",
    "person": "objects",
    "night stand": "furniture",
    "toilet": "objects",
    "sink": "objects",
    "lamp": "objects",
    "bathtub": "objects",
    "bag": "objects",
    "otherstructure": "objects",
    "otherfurniture": "furniture",
    "otherprop": "objects",
}

CLASS_NAMES_40 = tuple(THIRTEEN_OF_FORTY)
CLASS_NAMES_13 = tuple(sorted(set(THIRTEEN_OF_FORTY.values())))
