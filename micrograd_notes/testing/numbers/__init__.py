"""Many digits, derivatives by differences, and forward mode."""
