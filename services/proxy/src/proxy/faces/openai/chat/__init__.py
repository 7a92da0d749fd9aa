"""Chat completions: how their requests are read and their answers written."""
