"""The rows of the table, one noun in each file."""
