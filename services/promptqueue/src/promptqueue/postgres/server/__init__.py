"""The server: sessions, transactions, the schema, and what its errors mean."""
