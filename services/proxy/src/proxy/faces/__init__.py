"""Faces: other protocols for the same prompts, so that their clients stand in line without knowing it.

A face is a package in here. It reads a request into an `Asked`, and writes what comes of it (progress, text, answer,
failure) in its own words; all that lies between is `calls`. It registers its errors on its blueprint. It may use
whatever stands below, but neither `api` nor another face: the contracts in pyproject.toml hold it to that.
"""
