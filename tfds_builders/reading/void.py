"""The label of pixels that belong to no class, the same in every data set."""

VOID = 255
