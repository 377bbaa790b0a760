import io

import numpy as np
import pytest
from PIL import Image

from recipes.segmentation.corruptions.jpeg import compressed


def picture():
    y, x = np.mgrid[:45, :70]
    image = np.stack([3 * x, 5 * y, 120 + 80 * np.sin(x / 3) * np.cos(y / 5)], -1)
    image[10:30, 20:50] = (220, 40, 60)
    return np.clip(np.rint(image), 0, 255)


@pytest.mark.parametrize("quality", [4, 12, 30])
def test_it_loses_what_a_codec_loses(quality):
    """A codec's own rounding differs; its picture is as far from the original as ours."""
    image = picture()
    buffer = io.BytesIO()
    Image.fromarray(image.astype("uint8")).save(buffer, "jpeg", quality=quality, subsampling=2)
    codec = np.asarray(Image.open(buffer), "float64")
    ours = 255 * compressed(image / 255, quality)
    assert ours.shape == image.shape
    loss = np.abs(codec - image).mean()
    assert np.abs(ours - image).mean() == pytest.approx(loss, rel=0.25)
    assert np.abs(ours - codec).mean() < 0.5 * loss + 1


def test_the_best_quality_of_a_grey_ramp_is_the_ramp():
    ramp = np.repeat(np.arange(64.0)[None, :, None], 16, 0).repeat(3, 2) * 3
    assert np.abs(255 * compressed(ramp / 255, 99) - ramp).max() <= 2
