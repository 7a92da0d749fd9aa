"""Completions of a text: how their requests are read and their answers written."""

from proxy.faces.openai.completions.reading import read as read
