"""Completions of a text: how their requests are read and their answers written."""
