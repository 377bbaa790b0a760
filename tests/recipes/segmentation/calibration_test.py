from recipes.segmentation.calibration import fitted_subsets


def test_all_subsets_of_few_sensors():
    assert fitted_subsets(("a", "b")) == [("a", "b"), ("a",), ("b",)]
    assert len(fitted_subsets("abcdef")) == 63


def test_of_many_sensors_all_all_but_one_and_each_alone():
    found = fitted_subsets("abcdefg")
    assert [len(subset) for subset in found] == [7, *7 * [6], *7 * [1]]
