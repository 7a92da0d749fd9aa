"""What every engine needs of the machine that it runs on."""
