"""See `recipes.preset`."""

from recipes.image_translation.task import ImageTranslation
from recipes.preset import main

if __name__ == "__main__":
    main(ImageTranslation)
