"""See `recipes.preset`."""

from recipes.preset import main
from recipes.segmentation.task import Segmentation

if __name__ == "__main__":
    main(Segmentation)
