"""What providers report of mails: one file for each vendor, which words and signs its reports as the vendor does."""
