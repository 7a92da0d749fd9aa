from __future__ import annotations

import pytest
from proxy.calls.errors import InvalidAsked
from proxy.faces.openai.fields import checked
from proxy.faces.openai.sampling import FullSampling, Sampling, format_of, options_of

UNSAID = {"temperature": 1.0, "top_p": 1.0, "num_predict": 4096}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({}, {}),
        ({"temperature": None, "stop": None}, {}),
        ({"temperature": 0, "top_p": 0.5}, {"temperature": 0, "top_p": 0.5}),
        ({"seed": 7, "presence_penalty": 1, "frequency_penalty": -0.5}, None),
        ({"stop": "\n"}, {"stop": ["\n"]}),
        ({"stop": ["a", "b"]}, {"stop": ["a", "b"]}),
        ({"stop": []}, {"stop": []}),
        ({"top_k": 5, "num_ctx": 9}, {}),
    ],
)
def test_fields_of_sampling_become_options(fields, options):
    asked = checked(FullSampling, fields)

    assert options_of(asked, limit=None, longest=4096) == {**UNSAID, **(fields if options is None else options)}


@pytest.mark.parametrize(("limit", "sent"), [(5, 5), (None, 4096), (0, 4096), (-1, 4096), (128_000, 128_000)])
def test_a_limit_is_passed_on_and_the_context_is_one_where_there_is_none(limit, sent):
    assert options_of(checked(Sampling, {}), limit=limit, longest=4096)["num_predict"] == sent


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", "hot"),
        ("temperature", True),
        ("top_p", []),
        ("seed", "7"),
        ("seed", 1e300),
        ("presence_penalty", {}),
        ("frequency_penalty", "1"),
        ("stop", 5),
        ("stop", ["a", 5]),
        ("stop", ""),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_field(field, value):
    with pytest.raises(InvalidAsked) as refused:
        checked(FullSampling, {field: value})

    assert refused.value.failure.param.split(".")[0] == field


@pytest.mark.parametrize(
    ("kind", "schema", "taken"),
    [("text", None, None), ("json_object", None, "json"), ("json_schema", SCHEMA, SCHEMA), ("json_schema", {}, {})],
)
def test_a_format_becomes_ollama_s(kind, schema, taken):
    assert format_of(kind, schema, param="response_format") == taken


@pytest.mark.parametrize(
    ("kind", "schema", "param"),
    [
        ("x", None, "response_format.type"),
        (None, None, "response_format.type"),
        ([], None, "response_format.type"),
        ("json_schema", None, "response_format"),
        ("json_schema", [], "response_format"),
        ("json_schema", {"type": "nonsense"}, "response_format"),
    ],
)
def test_a_format_that_there_is_not_is_refused(kind, schema, param):
    with pytest.raises(InvalidAsked) as refused:
        format_of(kind, schema, param="response_format")

    assert refused.value.failure.param == param
