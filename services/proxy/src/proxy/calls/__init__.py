"""Held calls: what all faces share between reading a request and writing its answer. No protocol is known here."""
