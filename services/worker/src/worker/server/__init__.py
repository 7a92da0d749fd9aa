"""One model server: whether prompts may be claimed for it, and whose fault an end is."""
