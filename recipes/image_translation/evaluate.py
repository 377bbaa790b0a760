"""See `recipes.evaluate`."""

from recipes.evaluate import main
from recipes.image_translation.task import ImageTranslation

if __name__ == "__main__":
    main(ImageTranslation)
