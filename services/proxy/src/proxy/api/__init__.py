"""The product's own protocol: /api/v1, the page, health and the specification."""
