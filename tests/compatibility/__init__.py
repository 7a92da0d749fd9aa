"""Every client that people have, as its makers publish it, in front of the product's three protocols."""
