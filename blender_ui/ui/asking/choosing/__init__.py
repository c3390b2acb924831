"""Member choice: ask the best for the question, all, or those ticked; and ask one more afterwards."""
