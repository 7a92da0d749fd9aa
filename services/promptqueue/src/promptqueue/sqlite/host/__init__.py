"""What the machine gives to all processes of the queue: locks, sockets, clocks, file systems."""
