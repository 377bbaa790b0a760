"""See `recipes.export`."""

from recipes.export import main
from recipes.segmentation.task import Segmentation

if __name__ == "__main__":
    main(Segmentation)
