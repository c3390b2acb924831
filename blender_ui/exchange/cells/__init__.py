"""What one cell of a row says, in the words of any tool: chats, numbers, questions, who won, who said it."""
