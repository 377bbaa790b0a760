"""See `recipes.train`."""

from recipes.segmentation.task import Segmentation
from recipes.train import main

if __name__ == "__main__":
    main(Segmentation)
