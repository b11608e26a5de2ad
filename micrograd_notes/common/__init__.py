"""What every room uses: checks of arguments, files that are written whole, old import paths."""
