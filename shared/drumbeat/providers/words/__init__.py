"""The words in which providers report what became of mails: one file for each provider, and the table of them."""
