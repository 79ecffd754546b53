"""The command line of `trainer/train.py`."""
