from __future__ import annotations

import pytest
from proxy.calls.errors import InvalidAsked
from proxy.faces.openai.content import text_of


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", ""),
        ("a\nb", "a\nb"),
        ([], ""),
        ([{"type": "text", "text": "a"}], "a"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": "refusal", "refusal": "No."}], "No."),
        ([{"type": "input_text", "text": "a"}, {"type": "output_text", "text": "b", "annotations": []}], "a\nb"),
    ],
)
def test_texts_are_joined_by_newlines(content, text):
    assert text_of(content, param="there") == text


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"type": "image_url", "image_url": {"url": "http://a/b.png"}}, "images"),
        ({"type": "input_image"}, "images"),
        ({"type": "input_audio"}, "audio"),
        ({"type": "file"}, "text"),
        ({"type": "input_file"}, "text"),
        ({"type": "x"}, "unknown"),
        ({"type": "text"}, "must be a text"),
        ({"type": "text", "text": 5}, "must be a text"),
        ({"type": ["text"]}, "a type"),
        ({}, "a type"),
        ("text", "a type"),
    ],
)
def test_a_part_that_is_no_text_is_refused_by_its_place(part, says):
    with pytest.raises(InvalidAsked, match=says) as refused:
        text_of([{"type": "text", "text": "a"}, part], param="there")

    assert refused.value.failure.param == "there.1"


@pytest.mark.parametrize("content", [5, True, {}, None])
def test_a_content_that_is_neither_text_nor_parts_is_refused(content):
    with pytest.raises(InvalidAsked, match="there"):
        text_of(content, param="there")
