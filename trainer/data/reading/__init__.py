"""Tables from files: text with delimiters, Excel and Parquet."""
