import keras
import numpy as np
import pytest

from keras_asym.metrics import FrechetDistance, InceptionDistances, KernelDistance
from tests.helpers import randomize


@pytest.fixture(scope="module")
def network():
    """Eight features of an image, in place of the 2048."""
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 128, offset=-1)(inputs)
    x = keras.layers.Conv2D(8, 3, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return randomize(keras.Model(inputs, x))


def images(count, channels=3, seed=0, dtype="uint8"):
    rng = np.random.default_rng([seed, count])
    low = rng.integers(0, 100, (count, 1, 1, 1))
    return rng.integers(low, low + 120, (count, 9, 7, channels)).astype(dtype)


def expected(network, real, generated):
    features = [network.predict_on_batch(x.astype("float32")) for x in (real, generated)]
    frechet, kernel = FrechetDistance(), KernelDistance(20, 5)
    for distance in (frechet, kernel):
        distance.update(*features)
    return frechet.result(), kernel.result()


def distances(network, *pairs, **kwargs):
    distances = InceptionDistances(network, subsets=20, subset_size=5, **kwargs)
    for pair in pairs:
        distances.update(*pair)
    return distances.result()


def test_clean_takes_the_values_as_they_are(network):
    real, generated = images(11), images(9, seed=1, dtype="float32") + 0.25
    found = distances(network, (real[:6], generated[:2]), (real[6:], generated[2:]), batch_size=4)
    frechet, kernel = expected(network, real, generated)
    assert found == {
        "FID": pytest.approx(frechet, rel=1e-5),
        "KID": pytest.approx(kernel["mean"], rel=1e-4),
        "KID standard error": pytest.approx(kernel["standard_error"], rel=1e-4),
        "KID standard deviation": pytest.approx(kernel["standard_deviation"], rel=1e-4),
        "real images": 11,
        "generated images": 9,
        "protocol": "clean",
    }


def stretched(images):
    """Each image from its minimum to its maximum, all channels together."""
    return np.stack([255 * (x - x.min()) / (x.max() - x.min()) for x in images.astype("float64")])


def test_published_stretches_each_image(network):
    real, generated = images(8), images(8, seed=1)
    found = distances(network, (real, generated), protocol="published")
    frechet, kernel = expected(network, stretched(real), stretched(generated))
    assert found["FID"] == pytest.approx(frechet, rel=1e-4)
    assert found["KID"] == pytest.approx(kernel["mean"], rel=1e-3)
    assert found["protocol"] == "published"
    assert found["FID"] != pytest.approx(distances(network, (real, generated))["FID"], rel=0.1)
    again = distances(network, (real, 0.5 * generated + 3), protocol="published")
    assert again["FID"] == pytest.approx(found["FID"], rel=1e-4)


def test_constant_image_becomes_black_under_published(network):
    constant = np.full((6, 9, 7, 3), 77, "uint8")
    found = distances(network, (constant, 0 * constant), protocol="published")
    assert found["FID"] == pytest.approx(0, abs=1e-9)


def test_grey_images_are_repeated(network):
    real, generated = images(8, 1), images(8, 1, seed=1)
    grey = distances(network, (real, generated))
    colour = distances(network, (np.repeat(real, 3, -1), np.repeat(generated, 3, -1)))
    assert grey == colour


def test_sizes_of_real_and_generated_may_differ(network):
    found = distances(network, (images(8), images(6)[:, :5]), (images(1), images(2)))
    assert (found["real images"], found["generated images"]) == (9, 8)


def test_fewer_images_than_a_subset(network):
    with pytest.raises(ValueError, match=r"`subset_size` must .* 8 real and 4 generated"):
        distances(network, (images(8), images(4)))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (images(2)[0], r"of shape \(9, 7, 3\)"),
        (images(2, 4), r"of shape \(2, 9, 7, 4\)"),
        (images(2)[:0], r"of shape \(0, 9, 7, 3\)"),
        (images(2) > 50, "dtype bool"),
        (images(2, dtype="float32") * np.nan, "NaN"),
        (images(2) * 2.0, r"\[0, 255\] \(clip them\)"),
        (images(2) - 200.0, "clip them"),
        (images(2) / 127.5 - 1, r"\(x \+ 1\) \* 127.5 if they are in \[-1, 1\]"),
        (images(2) * 0.0 - 0.02, r"in \[-0\.02, -0\.02\]"),
        (images(2) * 0.0 + 255.02, "clip them"),
        (-1 * images(2).astype("int16"), "clip them"),
    ],
)
def test_bad_images(network, bad, message):
    figures = InceptionDistances(network, subset_size=2)
    with pytest.raises(ValueError, match=f"`generated` must .*{message}"):
        figures.update(images(2), bad)
    with pytest.raises(ValueError, match=f"`real` must .*{message}"):
        figures.update(bad, images(2))
    figures.update(images(2), images(2))
    assert figures.result()["real images"] == 2


@pytest.mark.parametrize("low, high", [(-2e-5, 255.00003), (-0.009, 255.009)])
@pytest.mark.parametrize("protocol", ["clean", "published"])
def test_what_resizing_overshot_is_clipped(network, low, high, protocol):
    whole = images(8, dtype="float32")
    whole[:, 0, 0], whole[:, 0, 1] = 0, 255
    beyond = whole.copy()
    beyond[:, 0, 0], beyond[:, 0, 1] = low, high
    other = images(8, seed=1)
    assert distances(network, (beyond, other), protocol=protocol) == distances(
        network, (whole, other), protocol=protocol
    )
    assert beyond.min() < 0  # the caller's images are not changed


def test_black_images_are_images(network):
    black = np.zeros((5, 9, 7, 3), "float32")
    assert distances(network, (black, black))["FID"] == 0


@pytest.mark.parametrize("first", [True, False])
def test_a_dark_batch_is_part_of_the_data(network, first):
    dark, bright = images(4, dtype="float32") / 300, images(4, dtype="float32")
    assert 0 < dark.max() < 1
    pairs = [(dark, dark), (bright, bright)]
    found = distances(network, *(pairs if first else pairs[::-1]))
    assert found["real images"] == 8


def test_dark_integers_are_integers(network):
    dark = (images(6) > 60).astype("uint8")
    assert distances(network, (dark, dark))["real images"] == 6


@pytest.mark.parametrize("name", ["real", "generated"])
def test_a_data_set_of_another_scale(network, name):
    pair = {"real": images(6), "generated": images(6), name: images(6) / 255}
    message = rf"`{name}` must have values in \[0, 255\] \(x \* 255 if they are in \[0, 1\]\)"
    with pytest.raises(ValueError, match=message):
        distances(network, (pair["real"], pair["generated"]))


def test_too_few_images_are_found_before_any_work(network):
    figures = InceptionDistances(network, subset_size=5)
    figures.check(5)
    figures.check(7, 5)
    with pytest.raises(ValueError, match=r"`subset_size` must .* 4 real and 4 generated"):
        figures.check(4)
    with pytest.raises(ValueError, match=r"`subset_size` must .* 8 real and 4 generated"):
        figures.check(8, 4)


def test_network_without_weights(network):
    empty = keras.models.clone_model(network)
    empty.set_weights([0 * x for x in network.get_weights()])
    with pytest.raises(ValueError, match=r"`network` must give features.* gives zeros"):
        InceptionDistances(empty).update(images(2), images(2))


def test_bad_arguments(network):
    with pytest.raises(ValueError, match=r"`protocol` must be one of .* Received: 'cleaner'"):
        InceptionDistances(network, "cleaner")
    with pytest.raises(ValueError, match=r"`batch_size` must .* batch_size=0"):
        InceptionDistances(network, batch_size=0)
    with pytest.raises(ValueError, match="`subset_size` must"):
        InceptionDistances(network, subset_size=0)
    feature_map = keras.Model(network.inputs, network.layers[2].output)
    with pytest.raises(ValueError, match=r"`network` must give features \(images, features\)"):
        InceptionDistances(feature_map)
