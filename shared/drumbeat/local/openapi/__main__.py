"""Write what `/openapi.json` answers, where the console function reads it."""

from drumbeat.api.description import SOURCE
from drumbeat.local.openapi.document import document, written

if __name__ == "__main__":
    SOURCE.write_text(written(document()))
