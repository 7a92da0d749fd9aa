"""The decision table, row by row, with the texts that Ollama 0.24 and 0.33 were seen to send."""

from __future__ import annotations

import re

import pytest
from worker.verdict import TABLE, How, Only, Seen, Verdict, cause, judge, too_long

CONTEXT_33 = (
    '{"error":{"code":400,"message":"request (9034 tokens) exceeds the available context size (4096 tokens), try '
    'increasing it","type":"exceed_context_size_error","n_prompt_tokens":9034,"n_ctx":4096}}'
)
CONTEXT_24 = "the input length exceeds the context length"
SCHEMA_33 = (
    '{"error":{"code":400,"message":"Field \'json_schema\': JSON schema conversion failed:\\nJSON schema error at #: '
    'unrecognized type nonsense","type":"invalid_request_error"}}'
)
STOPPED_24 = (
    "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check "
    "ollama server logs for details"
)
EOF_33 = "an error was encountered while running the model: unexpected EOF"

NOTHING: set[Only] = set()
AWAY = {Only.UNREACHABLE, Only.UNLISTED}


def rejected(status, words):
    return Seen(how=How.REJECTED, status=status, words=words)


ROWS = [
    ("connection refused", Seen(how=How.NOT_CONNECTED, words="Connection refused"), NOTHING, Verdict.DOWN),
    ("redirected", Seen(how=How.REDIRECTED, status=301, words="it redirects elsewhere"), NOTHING, Verdict.DOWN),
    ("closed, the server is gone", Seen(how=How.BROKEN), AWAY, Verdict.DOWN),
    ("closed, the server lives", Seen(how=How.BROKEN), NOTHING, Verdict.FAILURE),
    ("403 without a body", rejected(403, ""), NOTHING, Verdict.DOWN),
    (
        "403 with a reason",
        rejected(403, "ollama cloud is disabled: remote model is unavailable"),
        NOTHING,
        Verdict.FAILURE,
    ),
    ("404, not installed", rejected(404, "model 'llama3.2' not found"), {Only.UNLISTED}, Verdict.MISSING),
    ("404, installed", rejected(404, "model 'llama3.2' not found"), NOTHING, Verdict.FAILURE),
    ("404, no Ollama", rejected(404, "404 page not found"), AWAY, Verdict.FAILURE),
    ("weights missing", rejected(400, '"llama3.2" does not support generate'), NOTHING, Verdict.STORE_BROKEN),
    ("weights missing, chat", rejected(400, '"llama3.2" does not support chat'), NOTHING, Verdict.STORE_BROKEN),
    ("weights junk", rejected(500, "invalid file magic"), NOTHING, Verdict.STORE_BROKEN),
    (
        "weights cut",
        rejected(500, 'tensor "output_norm.weight" offset+size (129168704) exceeds file size (1337280)'),
        NOTHING,
        Verdict.STORE_BROKEN,
    ),
    ("weights empty", rejected(500, "EOF"), NOTHING, Verdict.STORE_BROKEN),
    (
        "manifest junk",
        rejected(500, "invalid character 'x' looking for beginning of value"),
        NOTHING,
        Verdict.STORE_BROKEN,
    ),
    (
        "dead while loading",
        rejected(500, 'do load request: Post "http://127.0.0.1:40825/load": EOF'),
        NOTHING,
        Verdict.FAILURE,
    ),
    (
        "bad tool call",
        rejected(500, "error parsing tool call: raw='x', err=invalid character 'x'"),
        NOTHING,
        Verdict.FAILURE,
    ),
    ("too long", rejected(400, CONTEXT_33), NOTHING, Verdict.TOO_LONG),
    ("too long, 0.24", rejected(400, CONTEXT_24), NOTHING, Verdict.TOO_LONG),
    ("no thinking", rejected(400, '"llama3.2" does not support thinking'), NOTHING, Verdict.REFUSED),
    (
        "no tools",
        rejected(400, "registry.ollama.ai/library/llama3.2:latest does not support tools"),
        NOTHING,
        Verdict.REFUSED,
    ),
    ("bad schema", rejected(400, SCHEMA_33), NOTHING, Verdict.REFUSED),
    ("bad JSON", rejected(400, "invalid character 'h' looking for beginning of value"), NOTHING, Verdict.REFUSED),
    ("cut JSON", rejected(400, "unexpected EOF"), NOTHING, Verdict.REFUSED),
    ("bad option", rejected(500, 'option "temperature" must be of type float32'), NOTHING, Verdict.REFUSED),
    (
        "bad format",
        rejected(500, 'invalid format: "\\"xml\\""; expected "json" or a valid JSON Schema object'),
        NOTHING,
        Verdict.REFUSED,
    ),
    ("bad schema, 0.24", rejected(500, "invalid JSON schema in format"), NOTHING, Verdict.REFUSED),
    ("bad template", rejected(500, "template: :1: unclosed action"), NOTHING, Verdict.REFUSED),
    ("500 without a body", rejected(500, ""), NOTHING, Verdict.FAILURE),
    ("runner gone", rejected(500, "llama-server process no longer running: unknown "), NOTHING, Verdict.FAILURE),
    ("load failed", rejected(500, "llama-server process has terminated: signal: killed"), NOTHING, Verdict.FAILURE),
    ("runner died", rejected(500, EOF_33), NOTHING, Verdict.FAILURE),
    ("runner died, 0.24", rejected(500, STOPPED_24), NOTHING, Verdict.FAILURE),
    ("load stalled", rejected(500, "timed out waiting for llama-server to start - "), NOTHING, Verdict.FAILURE),
    (
        "busy",
        rejected(503, "server busy, please try again.  maximum pending requests exceeded"),
        NOTHING,
        Verdict.DOWN,
    ),
    ("503 of somebody else", rejected(503, "no healthy upstream"), NOTHING, Verdict.FAILURE),
    ("a status that is not named", rejected(418, "a teapot"), NOTHING, Verdict.FAILURE),
    ("no first byte", Seen(how=How.NO_FIRST_BYTE, words="silent"), NOTHING, Verdict.FAILURE),
    ("a gap", Seen(how=How.STALLED, words="silent"), NOTHING, Verdict.FAILURE),
    ("out of time", Seen(how=How.OUT_OF_TIME, words="too long"), NOTHING, Verdict.TIMED_OUT),
    ("too much", Seen(how=How.TOO_MUCH, words="the model's answer grew longer than 10 MB"), NOTHING, Verdict.TOO_MUCH),
    ("an error line", Seen(how=How.ERROR_LINE, words=EOF_33), NOTHING, Verdict.FAILURE),
    ("the repeat guard", Seen(how=How.UNFINISHED), NOTHING, Verdict.FAILURE),
    ("no records", Seen(how=How.GIBBERISH, words="<html>"), NOTHING, Verdict.FAILURE),
    ("stop", Seen(how=How.DONE, words="stop", record={"done": True}), NOTHING, Verdict.SUCCESS),
    ("length", Seen(how=How.DONE, words="length", record={"done": True}), NOTHING, Verdict.SUCCESS),
    ("load", Seen(how=How.DONE, words="load", record={"done": True}), NOTHING, Verdict.FAILURE),
    ("unload", Seen(how=How.DONE, words="unload", record={"done": True}), NOTHING, Verdict.FAILURE),
]


@pytest.mark.parametrize(("seen", "facts", "verdict"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_every_end_of_a_call_has_its_verdict(seen, facts, verdict):
    assert judge(seen, facts.__contains__) is verdict


def test_every_row_of_the_table_is_tested():
    hit = set()

    for _, seen, facts, _ in ROWS:
        for only in (facts, NOTHING):
            judge(seen, lambda asked, only=only: asked in only)
            hit |= {next((number for number, row in enumerate(TABLE) if _matches(row, seen, only)), None)}

    assert hit >= set(range(len(TABLE)))


def test_ollama_is_asked_only_where_the_answer_decides():
    asked = []

    for _, seen, _, _ in ROWS:
        if seen.how is not How.BROKEN and seen.status != 404:
            judge(seen, lambda only: asked.append(only) or False)

    assert asked == []


@pytest.mark.parametrize("seen", [row[1] for row in ROWS], ids=[row[0] for row in ROWS])
def test_whoever_asked_is_told_the_cause_in_words(seen):
    assert cause(seen).strip()
    assert not cause(seen).startswith("{")


def test_both_counts_of_a_prompt_that_is_too_long_are_told():
    assert too_long(rejected(400, CONTEXT_33)) == "The prompt has 9034 tokens, the model's context holds 4096."
    assert too_long(rejected(400, CONTEXT_24)) == "The prompt is longer than the model's context."


def _matches(row, seen, only):
    return (
        row.how is seen.how
        and row.status in (None, seen.status)
        and re.search(row.words, seen.words)
        and (row.only is None or row.only in only)
    )
