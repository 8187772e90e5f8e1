"""The page on a study says how much the study can say."""

import pytest

import describe_study


@pytest.mark.parametrize(
    ("seeds", "sections", "budget", "expected"),
    [
        ([1], 40, 100, {"seeds": "speak of these runs, not of the method", "verdict": "demonstration"}),
        ([1, 2], 19, 9000, {"test sections": "too small to decide anything"}),
        ([1, 2], 20, 9000, {}),
    ],
)
def test_small_studies_say_so(seeds, sections, budget, expected):
    """Catches a study that decides on one seed or a handful of sections without saying so."""
    config = {"seeds": seeds, "splits": {"min_test_sections": 20}, "training": {"token_budget": budget}}
    says = describe_study._scale(config, {"splits": {"test": {"sections": sections}, "train": {"tokens": 9000}}})
    for key, words in expected.items():
        assert words in says[key]
    for key in {"seeds", "verdict", "test sections"} - set(expected):
        assert not {"speak", "small", "demonstration"} & set(says.get(key, "").split())
