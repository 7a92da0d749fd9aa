"""Having a prompt answered."""
