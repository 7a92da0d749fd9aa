"""How requests are served, whatever they ask."""
