"""Reading uploaded files as streams: CSV, JSON Lines and Parquet, in bounded memory, in parts that the bytes decide."""
