import numpy as np

from recipes.report.certainty import certainty_plots


def curves(counts):
    counts = np.array(counts)
    with np.errstate(invalid="ignore"):
        diagram = (counts, np.array([0.3, 0.8]) * counts / counts, np.array([0.2, 0.9]))
    return {"diagram": diagram, "risk_coverage": (np.array([0.5, 1.0]), np.array([0.1, 0.3]))}


def test_a_picture_of_raw_and_calibrated():
    one = certainty_plots({"ensemble": {"raw": curves([0, 5])}})
    two = certainty_plots({"ensemble": {"raw": curves([0, 5]), "calibrated": curves([2, 3])}})
    for html in (one, two):
        assert html.startswith('<img alt="Reliability diagram and risk-coverage curve')
        assert "base64," in html
    assert one != two
    assert two == certainty_plots(
        {"ensemble": {"raw": curves([0, 5]), "calibrated": curves([2, 3])}}
    )


def test_no_pixel_no_picture():
    assert certainty_plots({"ensemble": {"raw": curves([0, 0])}}) == ""
    assert certainty_plots({}) == ""
