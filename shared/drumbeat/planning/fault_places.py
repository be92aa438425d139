"""Where in its text, or in which part, a text could not be filled."""

from jinja2 import Template

type Place = tuple[str | None, int]  # the part, None for the text itself; and the line there


def place_of(error: BaseException) -> Place | None:
    """Return the innermost place that an error, or the one that it was made of, came from."""
    found: Place | None = None
    cause: BaseException | None = error
    while cause is not None:
        trace = cause.__traceback__
        while trace is not None:
            template = trace.tb_frame.f_globals.get("__jinja_template__")
            if isinstance(template, Template):
                found = template.name, template.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        cause = cause.__context__
    return found
