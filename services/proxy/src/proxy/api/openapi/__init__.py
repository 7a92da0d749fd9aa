"""The specification of this API."""
