"""The notebooks as a web site, and their exercises."""
