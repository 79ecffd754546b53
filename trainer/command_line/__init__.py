"""The command line of `trainer/train.py`: options, progress, interrupts and reports."""
