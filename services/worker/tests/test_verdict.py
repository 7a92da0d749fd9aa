"""The decision table, row by row, with the texts that Ollama 0.24 and 0.33 were seen to send."""

from __future__ import annotations

import pytest
from worker.ollama.call_end import CallEnd, EndKind
from worker.server.verdict import DISLIKED, TABLE, TURNED_AWAY, Condition, Verdict, _matches, judge, too_long

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

NOTHING: set[Condition] = set()
GONE = {Condition.UNREACHABLE, Condition.UNLISTED}
SHAPED = {Condition.SHAPED}
TEMPLATED = {Condition.TEMPLATED}
BUSY = {Condition.OTHERS_ANSWERED}

TEMPLATE = "template: :1: unclosed action"
TEMPLATE_OF_NAMES = 'template: :1: function "out of memory" not defined'
SCHEMA_24 = "invalid JSON schema in format"
FORMAT = 'invalid format: "\\"xml\\""; expected "json" or a valid JSON Schema object'
MEMORY = "model requires more system memory (3.2 GiB) than is available (1.1 GiB)"


def rejected(status, words="", *, in_json=True):
    return CallEnd(kind=EndKind.REJECTED, status=status, words=words, in_json=in_json and bool(words))


def page(status):
    return rejected(status)


PROMPTS = [
    ("too long", rejected(400, CONTEXT_33), NOTHING, Verdict.TOO_LONG),
    ("too long, 0.24", rejected(400, CONTEXT_24), NOTHING, Verdict.TOO_LONG),
    ("no thinking", rejected(400, '"llama3.2" does not support thinking'), NOTHING, Verdict.REFUSED),
    ("no tools", rejected(400, "llama3.2:latest does not support tools"), SHAPED, Verdict.REFUSED),
    ("bad schema", rejected(400, SCHEMA_33), SHAPED, Verdict.REFUSED),
    ("bad JSON", rejected(400, "invalid character 'h' looking for beginning of value"), NOTHING, Verdict.REFUSED),
    ("bad option", rejected(500, 'option "temperature" must be of type float32'), NOTHING, Verdict.REFUSED),
    ("bad format", rejected(500, FORMAT), SHAPED, Verdict.REFUSED),
    ("bad template of its own", rejected(500, TEMPLATE), TEMPLATED, Verdict.REFUSED),
    ("a template that speaks like a server", rejected(500, TEMPLATE_OF_NAMES), TEMPLATED, Verdict.REFUSED),
    ("bad schema, 0.24", rejected(500, SCHEMA_24), SHAPED, Verdict.REFUSED),
    ("a number that cannot be written", rejected(500, "json: unsupported value: +Inf"), NOTHING, Verdict.REFUSED),
    *((f"{status} of a gateway, others answered", page(status), BUSY, Verdict.REFUSED) for status in DISLIKED),
    ("an answer without end", CallEnd(kind=EndKind.TOO_MUCH, words="longer than 10 MB"), NOTHING, Verdict.TOO_MUCH),
]
SERVERS = [
    ("connection refused", CallEnd(kind=EndKind.NOT_CONNECTED, words="Connection refused"), NOTHING, Verdict.AWAY),
    ("redirected", CallEnd(kind=EndKind.REDIRECTED, status=301, words="it redirects elsewhere"), NOTHING, Verdict.AWAY),
    ("a question without an answer", CallEnd(kind=EndKind.UNANSWERED, words="no answer"), NOTHING, Verdict.AWAY),
    *((f"{status} of a gateway", page(status), NOTHING, Verdict.TROUBLED) for status in TURNED_AWAY),
    ("cloud models are off", rejected(403, "ollama cloud is disabled"), NOTHING, Verdict.TROUBLED),
    ("busy", rejected(503, "server busy, please try again.  maximum pending requests"), BUSY, Verdict.TROUBLED),
    ("404, not installed", rejected(404, "model 'llama3.2' not found"), {Condition.UNLISTED}, Verdict.MISSING),
    ("404, listed all the same", rejected(404, "model 'llama3.2' not found"), NOTHING, Verdict.STORE_BROKEN),
    ("a name that is none", rejected(400, "invalid model name"), {Condition.UNLISTED}, Verdict.MISSING),
    ("404, no Ollama", page(404), NOTHING, Verdict.TROUBLED),
    ("weights missing", rejected(400, '"llama3.2" does not support generate'), NOTHING, Verdict.STORE_BROKEN),
    ("weights missing, chat", rejected(400, '"llama3.2" does not support chat'), NOTHING, Verdict.STORE_BROKEN),
    ("weights junk", rejected(500, "invalid file magic"), NOTHING, Verdict.STORE_BROKEN),
    ("weights cut", rejected(500, 'tensor "x" offset+size (2) exceeds file size (1)'), NOTHING, Verdict.STORE_BROKEN),
    ("weights empty", rejected(500, "EOF"), NOTHING, Verdict.STORE_BROKEN),
    ("manifest junk", rejected(500, "invalid character 'x' looking for"), NOTHING, Verdict.STORE_BROKEN),
    ("dead while loading", rejected(500, 'do load request: Post "http://x/load": EOF'), NOTHING, Verdict.TROUBLED),
    ("load failed", rejected(500, "llama-server process has terminated: signal: killed"), NOTHING, Verdict.TROUBLED),
    ("load failed, 0.24", rejected(500, "llama runner process has terminated: -1"), NOTHING, Verdict.TROUBLED),
    ("load stalled", rejected(500, "timed out waiting for llama-server to start - "), NOTHING, Verdict.TROUBLED),
    ("too little memory", rejected(500, MEMORY), NOTHING, Verdict.TROUBLED),
    ("too little of the GPU", rejected(500, "cudaMalloc failed: out of memory"), BUSY, Verdict.TROUBLED),
    ("no runner", rejected(500, "llama-server binary not found (checked: /x)"), NOTHING, Verdict.TROUBLED),
    ("bad template", rejected(500, TEMPLATE), NOTHING, Verdict.TROUBLED),
    ("bad template, of a schema", rejected(500, "template schema mismatch in gpu runner"), SHAPED, Verdict.TROUBLED),
    ("closed, the server is gone", CallEnd(kind=EndKind.BROKEN), GONE, Verdict.AWAY),
    ("stalled, the server is gone", CallEnd(kind=EndKind.STALLED, words="silent"), GONE, Verdict.AWAY),
    ("502, and nothing else either", page(502), GONE, Verdict.AWAY),
]
NOBODYS = [
    *((f"{status} of a gateway", page(status), BUSY, Verdict.UNCLEAR) for status in (500, 501, 502, 504, 520)),
    *((f"{status}, nobody was answered", page(status), NOTHING, Verdict.UNCLEAR) for status in DISLIKED),
    ("a status that is not named", page(418), BUSY, Verdict.UNCLEAR),
    ("closed, the server lives", CallEnd(kind=EndKind.BROKEN), BUSY, Verdict.UNCLEAR),
    ("runner gone", rejected(500, "llama-server process no longer running: unknown "), BUSY, Verdict.UNCLEAR),
    ("runner died", rejected(500, EOF_33), BUSY, Verdict.UNCLEAR),
    ("runner died, 0.24", rejected(500, STOPPED_24), BUSY, Verdict.UNCLEAR),
    ("a tool call that cannot be read", rejected(500, "error parsing tool call: raw='x'"), SHAPED, Verdict.UNCLEAR),
    ("a schema that nobody sent", rejected(500, SCHEMA_24), BUSY, Verdict.UNCLEAR),
    ("a schema that nobody sent, 400", rejected(400, SCHEMA_33), BUSY, Verdict.UNCLEAR),
    ("no first byte", CallEnd(kind=EndKind.NO_FIRST_BYTE, words="silent"), BUSY, Verdict.UNCLEAR),
    ("a gap", CallEnd(kind=EndKind.STALLED, words="silent"), BUSY, Verdict.UNCLEAR),
    ("an error line", CallEnd(kind=EndKind.ERROR_LINE, words=EOF_33), BUSY, Verdict.UNCLEAR),
    ("the repeat guard", CallEnd(kind=EndKind.UNFINISHED), BUSY, Verdict.UNCLEAR),
    ("no records", CallEnd(kind=EndKind.GIBBERISH), BUSY, Verdict.UNCLEAR),
    ("load", CallEnd(kind=EndKind.DONE, words="load", record={"done": True}), BUSY, Verdict.UNCLEAR),
]
ROWS = [
    *PROMPTS,
    *SERVERS,
    *NOBODYS,
    ("out of time", CallEnd(kind=EndKind.OUT_OF_TIME, words="too long"), NOTHING, Verdict.TIMED_OUT),
    ("stop", CallEnd(kind=EndKind.DONE, words="stop", record={"done": True}), NOTHING, Verdict.SUCCESS),
    ("length", CallEnd(kind=EndKind.DONE, words="length", record={"done": True}), NOTHING, Verdict.SUCCESS),
]


@pytest.mark.parametrize(("end", "facts", "verdict"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_every_end_of_a_call_has_its_verdict(end, facts, verdict):
    assert judge(end, facts.__contains__) is verdict


def test_what_is_put_down_to_the_server_and_to_nothing_else_costs_nobody_anything():
    assert {row[3].is_servers for row in SERVERS} == {True}
    assert {row[3].is_servers for row in ROWS if row not in SERVERS} == {False}


def test_every_row_of_the_table_is_tested():
    hit = set()

    for _, end, facts, _ in ROWS:
        matching = [row for row in TABLE if _matches(row, end) and (row.when is None or row.when in facts)]
        hit.add(TABLE.index(matching[0]))

    assert hit == set(range(len(TABLE)))


def test_only_where_the_answer_decides_the_server_is_asked():
    asked = []

    for _, end, facts, verdict in ROWS:
        if verdict not in (Verdict.UNCLEAR, Verdict.AWAY) and end.status not in (400, 404):
            judge(end, lambda condition, facts=facts: condition in facts or asked.append(condition))

    assert [each for each in asked if each in (Condition.UNREACHABLE, Condition.UNLISTED)] == []


@pytest.mark.parametrize("end", [row[1] for row in ROWS], ids=[row[0] for row in ROWS])
def test_every_end_has_a_cause_in_words(end):
    assert end.cause.strip()
    assert not end.cause.startswith("{")


@pytest.mark.parametrize("kind", EndKind)
def test_a_cause_is_one_line_of_300_characters_at_most_however_much_was_said(kind):
    said = CallEnd(kind=kind, status=500, words="one\n" * 500).cause

    assert said.isprintable()
    assert len(said) <= 300


def test_both_counts_of_a_prompt_that_is_too_long_are_given():
    assert too_long(rejected(400, CONTEXT_33)) == "The prompt has 9034 tokens, the model's context holds 4096."
    assert too_long(rejected(400, CONTEXT_24)) == "The prompt is longer than the model's context."


@pytest.mark.parametrize("end", [row[1] for row in NOBODYS], ids=[row[0] for row in NOBODYS])
def test_what_everybody_may_read_has_none_of_the_words_in_which_a_prompt_may_be(end):
    assert end.outline.strip()
    assert not end.in_json or end.words not in end.outline
