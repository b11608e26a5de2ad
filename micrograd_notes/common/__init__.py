"""Used by every room: checks of arguments, safe writing of files, old import paths, Ctrl-C."""
