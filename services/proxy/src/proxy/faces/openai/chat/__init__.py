"""Chat completions: how their requests are read and their answers written."""

from proxy.faces.openai.chat.reading import read as read
