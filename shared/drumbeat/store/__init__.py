"""All SQL: one module per table or concern, the text above the function that runs it."""
