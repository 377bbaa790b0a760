"""See `recipes.evaluate`."""

from recipes.evaluate import main
from recipes.segmentation.task import Segmentation

if __name__ == "__main__":
    main(Segmentation)
