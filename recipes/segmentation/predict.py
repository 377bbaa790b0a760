"""See `recipes.predict`."""

from recipes.predict import main
from recipes.segmentation.task import Segmentation

if __name__ == "__main__":
    main(Segmentation)
