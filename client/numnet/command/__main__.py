"""`python -m numnet.command`: the command without an installation."""

from numnet.command.main import main

if __name__ == "__main__":
    main()
