"""The commands for the queue as a whole elsewhere: copies of it, and another engine."""
