"""Rows of any kind as the bodies of requests."""

from numnet.rows.csv_file import CsvBlock, csv_blocks
from numnet.rows.kinds import Block, blocks_of, is_one_row, row_of

__all__ = ["Block", "CsvBlock", "blocks_of", "csv_blocks", "is_one_row", "row_of"]
