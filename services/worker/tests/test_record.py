"""A record is read at a known cost, and what cannot be kept of it costs that alone."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from worker.ollama import record
from worker.ollama.call_end import EndKind, OllamaFailed


def end_of(line):
    with pytest.raises(OllamaFailed) as failed:
        record.read(line)
    return failed.value.end


def test_numbers_that_cannot_be_kept_are_null_and_all_others_stay():
    line = (
        b'{"response": "Hi", "a": NaN, "b": Infinity, "c": -Infinity, "d": 1e999, "e": %d, "f": %b, "g": [-1e999, %d],'
        b' "h": %d, "i": 1.5, "j": -%d}' % (2**70, b"9" * 5000, 2**63, 2**63 - 1, 2**63)
    )

    read = record.read(line)

    nulls = dict.fromkeys("abcdef") | {"g": [None, None]}
    assert read == {"response": "Hi", **nulls, "h": 2**63 - 1, "i": 1.5, "j": -(2**63)}


def test_half_a_character_becomes_a_replacement_and_a_whole_one_stays():
    read = record.read(rb'{"response": "a\ud83d b\ud83d\ude00 c\\ud83d", "\udc00": ["\udc00"]}')

    assert read == {"response": "a\ufffd b😀 c\\ud83d", "\ufffd": ["\ufffd"]}


@pytest.mark.parametrize(
    "line",
    [b"", b"<html>", b"[]", b'"text"', b"{", b"\xff\xfe{}", b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}"],
    ids=lambda line: repr(line[:20]),
)
def test_what_is_no_record_is_gibberish_of_which_nothing_is_kept(line):
    end = end_of(line)

    assert (end.kind, end.words) == (EndKind.GIBBERISH, "")


def test_of_two_equal_names_the_last_one_counts():
    assert record.read(b'{"done": true, "done": false}') == {"done": False}


@pytest.mark.parametrize("value", [b"[],", b"{},", b"1.5,", b'"a":{},', b'"",'])
def test_a_record_of_millions_of_values_is_not_read(value):
    many = value * (3_000_000 // len(value))
    line = b'{"x":%b0%b}' % ((b"{" if b":" in value else b"[") + many, b"}" if b":" in value else b"]")

    tracemalloc.start()
    end = end_of(line)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert end.kind is EndKind.GIBBERISH
    assert peak < 1_000_000


def test_a_long_text_may_have_as_many_commas_and_brackets_as_it_likes():
    text = '[{"a": 1}, {"b": 2}],' * 200_000

    assert record.read(json.dumps({"response": text}).encode())["response"] == text


def test_an_error_is_kept_as_it_came_and_a_long_one_as_one_line():
    assert end_of(b'{"error": "unexpected EOF"}').words == "unexpected EOF"
    assert end_of(b'{"error": {"message": "Compute error."}}').words == "Compute error."
    assert len(end_of(json.dumps({"error": "x" * 2_000_000}).encode()).words) == 300
