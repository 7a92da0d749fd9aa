"""A chaos campaign: clients use the product while its parts are killed, and a checker adds up what they saw."""
