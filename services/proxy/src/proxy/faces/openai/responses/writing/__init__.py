"""What is written of a response: the object, its events and their numbers. Pure: no Flask, no queue."""
