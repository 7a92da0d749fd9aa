"""Faces: other protocols for the same prompts, such as a model server's own. There is none yet.

A face is a package in here. It turns a request into a `NewPrompt`, and what comes of it (progress, answer, text as it
comes, errors) into its own bodies. It registers its own errors on its blueprint. It may use `parts` and whatever stands
below, but neither `api` nor another face: the contracts in pyproject.toml hold it to that.
"""
