"""See `recipes.predict`."""

from recipes.image_translation.task import ImageTranslation
from recipes.predict import main

if __name__ == "__main__":
    main(ImageTranslation)
