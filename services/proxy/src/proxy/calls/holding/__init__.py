"""Holding: a client's call kept open until its prompt is answered."""
