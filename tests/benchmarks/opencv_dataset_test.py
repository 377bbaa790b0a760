import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2")
pytest.importorskip("torch")

from benchmarks.opencv_dataset import OpenCVDataset


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_what_is_compared_with_does_the_same_steps(tmp_path, scale):
    """Images that hold their own coordinates stay aligned; padding is the mean, 0 and void."""
    rows, columns = np.mgrid[:60, :80]
    rgb = np.stack([rows, columns, rows], -1).astype("uint8")
    for name, image in (("rgb", rgb), ("depth", columns.astype("uint16")), ("label", rows)):
        dtype = "uint8" if name == "label" else image.dtype
        Image.fromarray(image.astype(dtype)).save(tmp_path / f"0_{name}.png")
    mean, std = (0.2, 0.3, 0.4), (0.5, 0.25, 0.5)
    dataset = OpenCVDataset(str(tmp_path), 1, 9, (50, 50), (scale, scale), 20, mean, std, 0.1)
    assert len(dataset) == 9
    mirrors = set()
    for index in range(9):
        rgb, depth, label = (tensor.numpy() for tensor in dataset[index])
        assert (rgb.shape, rgb.dtype) == ((50, 50, 3), "float32")
        assert (depth.shape, depth.dtype) == ((50, 50), "float32")
        assert (label.shape, label.dtype) == ((50, 50), "int32")
        inside = label != 255
        assert inside.mean() == (1 if scale >= 1 else 0.6 * 0.8)
        assert np.abs(rgb[~inside]).max(initial=0) < 0.01 and not depth[~inside].any()
        values = 255 * (rgb * std + mean)
        away = inside & (values[..., 1] > 3) & (values[..., 1] < 76)
        assert np.abs(values[..., 0] - label)[away].max() <= 1.51
        assert np.abs(values[..., 1] - depth * 10)[away].max() <= 1.51
        mirrors.add(bool(values[25, 20, 1] > values[25, 30, 1]))
    assert mirrors == {False, True}
