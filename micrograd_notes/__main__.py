"""`python -m micrograd_notes` is the command `micrograd-notes`; read `cli/main.py` next."""

from micrograd_notes.cli.main import main

if __name__ == "__main__":
    main()
