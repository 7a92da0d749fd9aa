"""What is followed while it happens."""
