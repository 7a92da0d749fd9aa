"""What the cases have in common: a tool, a schema, and the names of the model."""

import importlib.metadata

MODEL = "llama3.2"
DESCRIPTION = "Adds two numbers"
PARAMETERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}
TOOL = {"type": "function", "function": {"name": "add_numbers", "description": DESCRIPTION, "parameters": PARAMETERS}}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}


def told(text="", calls=(), finish=None, data=None):
    return {"text": text, "calls": list(calls), "finish": finish, "data": data}


def only(**given):
    """Leave out what is not given, so that a client's own defaults hold."""
    return {name: value for name, value in given.items() if value is not None}


def version(*packages):
    return ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)
