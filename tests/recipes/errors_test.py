import json

import pytest
import tensorflow as tf

from recipes.data.checks import check_batch_size
from recipes.errors import readable_errors


def message(function, **kwargs):
    """What a user is shown."""
    with pytest.raises(SystemExit) as caught, readable_errors(**kwargs):
        function()
    return str(caught.value)


def test_wrong_input_is_one_message():
    text = message(lambda: check_batch_size(0))
    assert text == "error: `batch_size` must be at least 1. Received: batch_size=0"


def test_the_switch_shows_where_it_comes_from():
    with pytest.raises(ValueError, match="`batch_size`"), readable_errors(traceback=True):
        check_batch_size(0)


@pytest.mark.parametrize(
    "bug",
    [
        lambda: int("x"),  # raised by Python
        lambda: json.loads("{"),  # by a library
        lambda: check_batch_size("x"),  # by a line of ours that raises nothing on purpose
        lambda: [][1],
    ],
)
def test_a_bug_keeps_its_traceback(bug):
    with pytest.raises((ValueError, TypeError, IndexError)), readable_errors():
        bug()


def test_failed_writes_are_the_users_to_mend(tmp_path):
    assert "No such file" in message(lambda: (tmp_path / "a" / "b").write_text(""))


def test_errors_of_the_pipeline_are_cut_to_what_they_say():
    def broken():
        tf.debugging.Assert(False, ["Example `a7`: `depth` must be finite"])

    assert message(broken).startswith("error: Example `a7`: `depth` must be finite")
    with pytest.raises(tf.errors.InvalidArgumentError), readable_errors():
        tf.debugging.Assert(False, ["something else"])
