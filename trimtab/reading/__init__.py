"""Reading uploaded files as streams, in bounded memory, in parts that their bytes decide."""
