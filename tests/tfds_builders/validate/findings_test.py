import types

import numpy as np
import pytest

from tfds_builders.validate import Survey
from tfds_builders.validate.example import Example
from tfds_builders.validate.findings import find_faults


def survey_of(depth, invalid):
    """A built data set with one image of depth."""
    source = types.SimpleNamespace(
        columns=("depth",),
        splits={"train": [0]},
        faults=[],
        invalid=invalid,
        resized=(),
        may_be_cropped=False,
        num_classes=None,
        units_per_metre=None,
    )
    survey = Survey(source)
    survey.add(Example("train", "a", {"depth": depth}))
    return survey


@pytest.mark.parametrize(("invalid", "count"), [({}, 1), ({"depth": [65535]}, 0)])
def test_a_hole_that_the_data_set_declares_is_no_finding(invalid, count):
    depth = np.array([[[1500], [65535], [65535]]], np.uint16)
    found = [str(finding) for finding in find_faults(survey_of(depth, invalid))]
    assert sum("2 pixels of 'depth' are 65535" in text for text in found) == count
