-- Holds the place of a step that another change brings.
SELECT;
