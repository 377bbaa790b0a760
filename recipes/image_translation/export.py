"""See `recipes.export`."""

from recipes.export import main
from recipes.image_translation.task import ImageTranslation

if __name__ == "__main__":
    main(ImageTranslation)
