"""How many tokens texts are said to have: a quarter of their bytes, never fewer."""

import pytest
from proxy.calls.estimate import tokens_of


@pytest.mark.parametrize(
    ("texts", "tokens"),
    [
        ([], 0),
        ([""], 0),
        (["a"], 1),
        (["four"], 1),
        (["fours"], 2),
        (["äöü"], 2),  # six bytes
        (["ab", "cd"], 1),  # counted together
        ([{"a": 1}], 2),  # {"a":1}
        ([[], {}], 1),
        ([None, 5], 2),  # null5
    ],
)
def test_texts_have_a_token_for_four_bytes_and_one_for_the_rest(texts, tokens):
    assert tokens_of(*texts) == tokens
