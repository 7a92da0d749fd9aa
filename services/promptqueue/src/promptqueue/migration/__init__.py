"""Migration: the whole queue goes to another engine, or to another place. Only the command line uses it."""
