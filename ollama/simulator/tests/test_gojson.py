"""JSON is read and written as Go does it, complaints included."""

from typing import Any

import pytest

from simulator import gojson
from simulator.errors import Malformed


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'"a\xff\xfeb"', "a\ufffd\ufffdb"),
        (b'"\xe2\x82"', "\ufffd\ufffd"),
        (rb'"\ud800x"', "\ufffdx"),
        (rb'"\ud83d\ude00"', "😀"),
        (b' {"a": 1, "a": 2} rest', {"a": 2}),
        (b"[1, 2.5, -1e3, true, null]", [1, 2.5, -1000.0, True, None]),
    ],
)
def test_what_go_reads_is_read(data: bytes, value: Any) -> None:
    assert gojson.loads(data) == value


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "missing request body"),
        (b" \n", "missing request body"),
        (b'{"a"', "unexpected EOF"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b"[1,]", "invalid character ']' looking for beginning of value"),
        (b"[nope]", "invalid character 'o' in literal null (expecting 'u')"),
        (b"[-x]", "invalid character 'x' in numeric literal"),
        (b"NaN", "invalid character 'N' looking for beginning of value"),
        (rb'"\u12x4"', r"invalid character 'x' in \u hexadecimal character escape"),
        (b'"a\x01"', r"invalid character '\x01' in string literal"),
        (b"\xe2\x98\x83", "invalid character 'â' looking for beginning of value"),
        (b"[" * 10_001, "invalid character '[' exceeded max depth"),
    ],
)
def test_what_go_does_not_read_is_refused_in_its_words(data: bytes, words: str) -> None:
    with pytest.raises(Malformed) as refused:
        gojson.loads(data)

    assert str(refused.value) == words


def test_what_is_written_is_escaped_where_go_escapes_and_nowhere_else() -> None:
    written = gojson.dumps({"é<b>&": '"\u2028\u2029\ud800\n😀/'})

    assert written.decode() == r'{"é\u003cb\u003e\u0026":"\"\u2028\u2029�\n😀/"}'
