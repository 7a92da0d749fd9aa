"""A template of the caller's own, as far as Go refuses it."""

import re

from .errors import Refused

_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`')
_NAME = re.compile(r"(?<![.$\w])[A-Za-z_]\w*")
_LANGUAGE = "if else end range break continue template define block with nil true false"
_FUNCTIONS = "and or not len index slice print printf println html js urlquery call eq ne lt le gt ge"
_OLLAMAS = "json currentDate yesterdayDate toTypeScriptType"
_KNOWN = frozenset(f"{_LANGUAGE} {_FUNCTIONS} {_OLLAMAS}".split())


def check_template(template: str) -> None:
    """Find what is wrong first.

    Raises:
        Refused: 500, although it is the caller's fault, as Ollama does.
    """
    for action in _ACTION.finditer(template):
        line = template.count("\n", 0, action.start()) + 1
        for name in _NAME.findall(_STRING.sub("", action[1])):
            if name not in _KNOWN and not action[1].lstrip("- ").startswith("/*"):
                raise Refused(500, f'template: :{line}: function "{name}" not defined')
    if template.count("{{") > template.count("}}"):
        raise Refused(500, f"template: :{template.count(chr(10)) + 1}: unclosed action")
