"""The vendors the sandbox imitates, one file each."""
