"""Twenty-six answers that nobody should send to a browser."""

import base64

MIX = """<script>window.pwned = 1</script><img src=x onerror="window.pwned=1">
<svg onload="window.pwned=1"><iframe src="https://evil.test/">
[a](javascript:window.pwned=1) [b](JaVaScRiPt:window.pwned=1) [g](java\tscript:window.pwned=1)
[c](data:text/html,<script>window.pwned=1</script>) [d](vbscript:x) <javascript:window.pwned=1>
![beacon](https://evil.test/pixel.png) <https://evil.test/> [x]: https://evil.test/
[e]( javascript:window.pwned=1) [f](\x01javascript:window.pwned=1) [h](//evil.test/x)
```html"><img src=x onerror=window.pwned=1>
</pre><script>window.pwned=1</script>
```
| <img src=x onerror=window.pwned=1> | b |
|---|---|
| <style>*{display:none}</style> | <form action=https://evil.test/><input name=x></form> |

<a href="javascript:window.pwned=1" onclick="window.pwned=1">click</a> <object data="x"><embed src="x">
<base href="https://evil.test/"> <meta http-equiv="refresh" content="0;url=https://evil.test/"> &lt;script&gt;
"""

HOSTILE = {
    "lines of code": "```\n" + "a line of code\n" * 10_000,
    "lines of prose": "one line of prose\n" * 10_000,
    "paragraphs": "a *b* `c`\n\n" * 10_000,
    "a list": "- an *item*\n" * 10_000,
    "a table": "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 10_000,
    "a word of a megabyte": "x" * 1_000_000,
    "a word of a megabyte in code": "```\n" + "x" * 1_000_000 + "\n```",
    "lines of base64": base64.encodebytes(bytes(range(256)) * 2_000).decode(),
    "stars": "*" * 100_000,
    "brackets": "[" * 100_000,
    "ticks": "`a``b```c" * 11_000,
    "quotes": ">" * 100_000,
    "underscores": "a_" * 50_000,
    "openers": "*a " * 33_000,
    "links": "[a](" * 25_000,
    "a list of 2,000 levels": "\n".join(" " * n + "- x" for n in range(2_000)),
    "a quote of 500 levels": "\n".join("> " * n + "x" for n in range(500)),
    "thoughts in thoughts": "<think>\n" * 2_047,
    "thoughts that never end": "<think>\n" * 40_000,
    "thoughts in thoughts that end": "<think>\n" * 1_000 + "</think>\n" * 1_000,
    "fences": "```\n" * 5_000,
    "joined emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d" * 10_000,
    "combining marks": "e" + "\u0301" * 50_000,
    "bidi overrides": "\u202eabc\u2066 \u05d0\u05d1\u05d2 `x\u202ey`\n" * 5_000,
    "control characters": "".join(map(chr, range(32))) * 1_000,
    "markup and scripts": MIX,
}
