"""What is a JSON Schema: what a general validator calls one, and within limits that it has not."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema_specifications import REGISTRY
from proxy.asking import json_schema

HOSTILE = {
    "a pattern that overflows": {"type": "string", "pattern": "a{99999999999999999999}"},
    "a pattern that is none": {"pattern": "("},
    "names that no order has": {"required": [{} if number % 2 else number for number in range(16_000)]},
    "types without end": {"type": ["string"] * 7_000},
    "numbers beyond doubles": {"minimum": 10**400, "maxLength": 10**400, "multipleOf": 10**400},
    "depth": {"not": {"not": {"not": {"not": {"not": {"not": {}}}}}}},
    "a long name": {"properties": {"x" * 60_000: {"type": 1}}},
    "an address of another machine": {"$ref": "http://localhost:1/", "$schema": "http://localhost:1/"},
}


def keywords():
    """The keywords that the draft's own description names."""
    said = [REGISTRY.contents(uri) for uri in REGISTRY if uri.startswith("https://json-schema.org/draft/2020-12/")]
    return sorted({name for each in said for name in each.get("properties", {})})


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-2, 2),
        st.sampled_from([1.0, 0.5, -0.5, 1e300]),
        st.sampled_from(["", "a", "a b", "#", "a#", "#a", "string", "object", "integer"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*keywords(), "other"]), inner, max_size=3),
    ),
    max_leaves=12,
)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(st.dictionaries(st.sampled_from([*keywords(), "other"]), VALUES, max_size=4))
def test_what_a_general_validator_calls_a_schema_is_one_and_nothing_else(value):
    is_one = Draft202012Validator(Draft202012Validator.META_SCHEMA, format_checker=None).is_valid(value)

    assert (json_schema.problem(value) is None) is is_one, json_schema.problem(value)


def test_every_keyword_of_the_draft_is_known():
    anything = {"const", "default"}

    assert json_schema.ONE | json_schema.SEVERAL | json_schema.NAMED | set(json_schema.HOLDS) | anything == set(
        keywords()
    )


@pytest.mark.parametrize(
    "made_of",
    [
        lambda number: {"allOf": [{}] * number},
        lambda number: {"oneOf": [True] * number},
        lambda number: {"properties": {str(each): {} for each in range(number)}},
        lambda number: {"$defs": {"a": {"anyOf": [False] * (number - 1)}}},
        lambda number: {"items": {"prefixItems": [{}] * (number - 1)}},
    ],
)
def test_five_hundred_subschemas_are_taken_and_no_more(made_of):
    assert json_schema.problem(made_of(json_schema.MOST_SUBSCHEMAS)) is None
    assert json_schema.problem(made_of(json_schema.MOST_SUBSCHEMAS + 1)) == "it has more than 500 subschemas"


def test_what_is_data_is_no_subschema():
    assert json_schema.problem({"enum": [{}] * 5_000, "const": {"allOf": [1] * 5_000}, "x": [{"type": 1}]}) is None


def test_a_huge_schema_is_refused_with_its_limit():
    assert json_schema.problem({"description": "x" * 70_000}) == "it is larger than 65536 bytes"


@pytest.mark.parametrize("name", HOSTILE)
def test_what_was_made_to_take_long_takes_no_time(name):
    start = time.thread_time()
    said = json_schema.problem(HOSTILE[name])

    assert time.thread_time() - start < 0.1  # of this thread's own time; some of them take a general validator minutes
    assert len(said or "") < 300
