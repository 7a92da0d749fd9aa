"""What is asked of /v1/responses."""
