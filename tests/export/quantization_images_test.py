import numpy as np
import pytest
import tensorflow as tf

from keras_asym.export.quantization_images import quantization_batches


def specs(batch=1, height=8, width=None):
    return {
        "rgb": tf.TensorSpec((batch, height, width, 3), "uint8"),
        "depth": tf.TensorSpec((batch, height, width, 1), "uint16"),
    }


def images(number=5, height=8, width=12):
    return {
        "rgb": np.arange(number * height * width * 3).reshape(number, height, width, 3) % 256,
        "depth": np.arange(number * height * width).reshape(number, height, width, 1),
    }


def of_dtypes(arrays):
    return {"rgb": arrays["rgb"].astype("uint8"), "depth": arrays["depth"].astype("uint16")}


@pytest.mark.parametrize(("batch", "number"), [(None, 5), (1, 5), (2, 2), (5, 1)])
def test_batches_in_order(batch, number):
    arrays = of_dtypes(images())
    batches = quantization_batches(arrays, specs(batch))
    assert len(batches) == number and list(batches[0]) == ["rgb", "depth"]
    for name, array in arrays.items():
        joined = np.concatenate([x[name] for x in batches])
        np.testing.assert_array_equal(joined, array[: number * (batch or 1)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: None, r"dictionary of arrays.*\['depth', 'rgb'\]. Received: NoneType"),
        (lambda x: {"rgb": x["rgb"]}, r"Received: \['rgb'\]"),
        (lambda x: {**x, "depth": x["depth"].astype("float32")}, "'depth' as uint16"),
        (lambda x: {**x, "rgb": x["rgb"][:, :4]}, r"\(number, 8, any, 3\).*\(5, 4, 12, 3\)"),
        (lambda x: {**x, "rgb": x["rgb"][:3]}, "as many of each.*'rgb': 3, 'depth': 5"),
        (lambda x: {k: v[:0] for k, v in x.items()}, "at least 1 images.*'rgb': 0"),
    ],
)
def test_images_that_do_not_fit(change, message):
    with pytest.raises(ValueError, match=message):
        quantization_batches(change(of_dtypes(images())), specs())


def test_fewer_images_than_a_batch():
    with pytest.raises(ValueError, match="at least 6 images"):
        quantization_batches(of_dtypes(images()), specs(6))
