"""The deployed template: in an emulated account, under Lambda's own runtime, behind a pooler."""
