"""One's earlier rounds on the Blend page, a link to each, and the page that a shared one has."""
