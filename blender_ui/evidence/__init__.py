"""What answers say and do: what they conclude, how far they agree, what code and given text bear out."""
