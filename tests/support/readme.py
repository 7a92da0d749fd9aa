"""What the README says of other programs, for the tests that do as it says."""

from __future__ import annotations

import re

from support import ROOT

ROW = re.compile(r"^\| ([^|]+) \| `(.+)` \|$", re.MULTILINE)


def what_you_have() -> dict[str, str]:
    """Give the lines by which programs are told where the product is, by what the README calls them."""
    table = (ROOT / "README.md").read_text().partition("| you have | it is told |")[2].partition("\n\n")[0]
    return dict(ROW.findall(table))
