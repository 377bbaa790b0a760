import io

import numpy as np
import pytest
from PIL import Image

from recipes.report import plots

LOG = """epoch,loss,rgb_loss,learning_rate,val_loss,val_rgb_mean_iou,val_ensemble_mean_iou
0,2.0,1.5,0.1,NA,NA,NA
1,1.0,0.5,0.1,1.2,0.25,0.5
"""


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return plots.read_log(path)


def decode(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_read_log(log):
    np.testing.assert_array_equal(log["loss"], [2.0, 1.0])
    np.testing.assert_array_equal(log["val_ensemble_mean_iou"], [np.nan, 0.5])


def test_read_log_without_rows(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss\n")
    assert plots.read_log(path) == {}


def test_losses_and_ious_are_drawn_in_two_plots(log, monkeypatch):
    drawn = {}

    def draw(axes, title, group, colors, factor):
        drawn[title] = (list(group), colors, factor)

    monkeypatch.setattr(plots, "_draw_group", draw)
    plots.learning_curves(log)
    losses, colors, _ = drawn["Loss"]
    assert losses == ["loss", "rgb_loss", "val_loss"]
    ious, same_colors, factor = drawn["Mean IoU (%)"]
    assert ious == ["val_rgb_mean_iou", "val_ensemble_mean_iou"] and factor == 100
    assert colors == same_colors and sorted(colors) == ["ensemble", "rgb", "total"]


def test_channels_and_tokens_have_curves_of_their_own(monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        plots, "_draw_group", lambda axes, title, group, *_: drawn.update({title: list(group)})
    )
    names = ["rgb_exchange_rate", "rgb_token_exchange_rate", "depth_token_exchange_rate"]
    plots.learning_curves(dict.fromkeys(names, np.array([0.25, 0.5])))
    assert drawn == {"Channels exchanged (%)": names[:1], "Tokens exchanged (%)": names[1:]}
    assert [plots._branch(name) for name in names] == ["rgb", "rgb", "depth"]


def test_curves_leave_out_epochs_without_value(log, monkeypatch):
    figures = []
    monkeypatch.setattr(
        plots, "Figure", lambda **kwargs: figures.append(make(**kwargs)) or figures[0]
    )
    from matplotlib.figure import Figure as make

    assert decode(plots.learning_curves(log)).shape[1] > 1000
    lines = {line.get_label(): line for axes in figures[0].axes for line in axes.lines}
    np.testing.assert_array_equal(lines["total, training"].get_xydata(), [[1, 2.0], [2, 1.0]])
    np.testing.assert_array_equal(lines["total, validation"].get_xydata(), [[2, 1.2]])
    np.testing.assert_array_equal(lines["ensemble, validation"].get_xydata(), [[2, 50.0]])
    assert "rgb, training" in lines


def test_no_curves():
    assert plots.learning_curves({"epoch": np.arange(3)}) is None
    assert plots.learning_curves({}) is None


def test_encoded_image_is_the_image():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype("uint8")
    np.testing.assert_array_equal(decode(plots.encode_image(image)), image)


def test_large_image_is_thinned_out():
    image = np.random.default_rng(0).integers(0, 256, (10, 24, 3)).astype("uint8")
    np.testing.assert_array_equal(decode(plots.encode_image(image, longest=12)), image[::2, ::2])


def test_photographs_are_small_and_nearly_exact():
    y, x = np.mgrid[:40, :60]
    image = np.stack([5 * y, 4 * x, x + y], -1).astype("uint8")
    data = plots.encode_image(image)
    assert plots.image_tag(data, "").startswith('<img alt="" src="data:image/jpeg;base64,')
    assert np.abs(decode(data).astype(int) - image).max() < 30
    assert plots.image_tag(plots.encode_image(0 * image), "").startswith(
        '<img alt="" src="data:image/png'
    )


@pytest.mark.parametrize("image", [np.zeros((4, 4), "uint8"), np.zeros((4, 4, 3))])
def test_only_pictures_are_encoded(image):
    with pytest.raises(ValueError, match=r"must be uint8 \(height, width, 3\)"):
        plots.encode_image(image)


def test_image_tag_escapes_its_text():
    assert plots.image_tag(b"x", '"><b>').startswith('<img alt="&quot;&gt;&lt;b&gt;" src="data:')


def test_histogram_bars_by_hand():
    # Two values below the limit 1, outside of the edges as well; one above.
    svg = plots.histogram_svg([0.001, 0.5, 50.0], [0.1, 1.0, 10.0], 1.0, width=20, height=10)
    assert svg.count('class="below"') == 1 and svg.count('class="above"') == 1
    assert 'class="below" x="0.0" y="3.0" width="9.4" height="7.0"' in svg
    assert 'class="above" x="10.0" y="5.1" width="9.4" height="4.9"' in svg
    assert '<line x1="10.0" x2="10.0"' in svg
