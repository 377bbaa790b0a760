"""See `recipes.train`."""

from recipes.image_translation.task import ImageTranslation
from recipes.train import main

if __name__ == "__main__":
    main(ImageTranslation)
