"""What a model server says is told as one line of words: never a page, never JSON, never what controls a terminal."""

from __future__ import annotations

import json

import pytest
from worker.ollama.words import LONGEST, answered, one_line

RUNNERS = '{"error":{"code":400,"message":"Field \'x\': no.\\nNot at all.","type":"invalid_request_error"}}'


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("model requires more system memory", "model requires more system memory"),
        (RUNNERS, "Field 'x': no. Not at all."),
        ({"message": "Compute error."}, "Compute error."),
        ({"error": {"message": "Compute error."}}, "Compute error."),
        (json.dumps({"error": RUNNERS}), "Field 'x': no. Not at all."),
        ({"detail": "Not Found"}, "Not Found"),
        ({"detail": [{"loc": ["body"], "msg": "field required"}]}, "field required"),
        (f"POST predict: {RUNNERS}", "POST predict: Field 'x': no. Not at all."),
        ('template: :1: unexpected "}" in operand', 'template: :1: unexpected "}" in operand'),
        ('invalid format: "\\"xml\\""; expected "json"', 'invalid format: "\\"xml\\""; expected "json"'),
        ("one\r\ntwo\tthree\u2028four", "one two three four"),
        ("\x1b[31mred\x1b[0m \u202eright to left\x00", "[31mred[0m right to left"),
    ],
    ids=str,
)
def test_an_error_is_shown_in_its_words(said, told):
    assert one_line(said) == told


@pytest.mark.parametrize(
    "said",
    [
        None,
        5,
        True,
        {},
        [],
        {"error": {}},
        {"error": {"code": 5}},
        '{"a": 1}',
        "[1, 2]",
        "{}",
        '{"error":{"message":"cut off he',
        "<html><head><title>502 Bad Gateway</title></head></html>",
        "\n<!DOCTYPE html><p>Please sign in",
        {"error": "<HTML>502</HTML>"},
        '{"error":' * 50 + '"deep"' + "}" * 50,
        "[" * 20_000,
    ],
    ids=lambda said: str(said)[:30],
)
def test_what_holds_no_words_is_not_shown(said):
    assert one_line(said) == ""


def test_a_page_behind_words_is_left_out():
    assert one_line("upstream said: <html>secret</html>") == "upstream said"
    assert one_line('upstream said: {"secret": 1}') == "upstream said"


@pytest.mark.parametrize("said", ["x" * 2_000_000, {"message": "x " * 1_000_000}, '{"error":"' + "x" * 5000 + '"}'])
def test_a_long_one_is_cut(said):
    told = one_line(said)

    assert len(told) == LONGEST
    assert told.endswith("…")


def test_a_status_has_words_of_its_own():
    assert answered(502) == "answered 502: Bad Gateway"
    assert answered(799) == "answered 799"
