"""From the bytes of a file to its rows: packing, encodings, sheets, workbooks, JSON, Arrow."""
