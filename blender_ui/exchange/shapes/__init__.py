"""Which tool wrote a file's rows, and what they mean: a module a shape; ``finding`` tells them apart."""
