"""The vendors that the sandbox imitates: one file each, and the table of them."""
