"""Copies of the whole database, and what takes its place."""
