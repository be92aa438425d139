"""The tables of a run, and the section of docs/performance.md that they make."""

import json
from collections.abc import Iterable, Sequence

from bench.phases import CONNECTIONS, FAST, Figures
from bench.results import Results, Spread, machine, versions
from bench.servers import ROOT

PAGE = ROOT / "docs/performance.md"
DATA = ROOT / "docs/bench.json"
BEGIN, END = "<!-- bench: begin, written by `make bench` -->", "<!-- bench: end -->"
TITLE = "# Performance\n\n"

OURS, BATCHES = "drumbeat", "drumbeat, batches"
SPEED = (OURS, BATCHES, "celery", "procrastinate")
FAULTS = ("drumbeat, keys", "drumbeat, search", "celery", "procrastinate")


def markdown(results: Results) -> str:
    """Return the whole report."""
    parts = [_preface(results), _speed(results), _cpu(results), _queue(results)]
    parts += [_mailing(results), _faults(results), _cold(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def write(results: Results) -> None:
    """Put the report between the markers of docs/performance.md, and every figure into docs/bench.json."""
    page = PAGE.read_text() if PAGE.exists() else TITLE
    block = f"{BEGIN}\n\n{markdown(results)}\n{END}"
    if BEGIN in page and END in page:
        page = page[: page.index(BEGIN)] + block + page[page.index(END) + len(END) :]
    else:
        page = f"{page.rstrip()}\n\n{block}\n"
    PAGE.write_text(page)
    DATA.write_text(json.dumps(results.as_json(), indent=1) + "\n")


def brief(figures: Figures) -> str:
    """Return the figures of one phase on one line."""
    return ", ".join(f"{name} {_short(value)}" for name, value in figures.items())


def _preface(results: Results) -> str:
    size, known = results.size, versions()
    return (
        f"Measured on {results.date} on {machine()}, Python {known['python']}; Drumbeat {known['drumbeat']} "
        f"(`drumbeat dev`), Celery {known['celery']} (Redis broker, late acknowledgement, threads), Procrastinate "
        f"{known['procrastinate']}. Every system: two workers, the same Postgres 18 and Valkey, started empty for each "
        f"repeat; the same provider (one process, {1000 * FAST:g} ms) and load. They took turns {results.repeats} "
        f"times; median (least..most). CPU is what the system's own processes used, with Postgres and Valkey; load, "
        f"provider and the SQS emulator, a managed service on AWS, are not in it, but share the cores. A burst is "
        f"{size.burst:,} events as fast as {CONNECTIONS} connections bring them."
    )


def _speed(results: Results) -> str:
    def row(title: str, phase: str, *path: str, digits: int = 0, ratio: bool = True) -> list[str]:
        spreads = [results.spread(system, phase, *path) for system in SPEED]
        return [title, *_cells(spreads, digits, ratio=ratio)]

    rows = [
        row("burst: events/s, POST to stored status", "burst", "events/s"),
        row("burst: accepted/s", "burst", "accepted/s"),
        row("burst: CPU-s per 1,000 events", "burst", "CPU-s/1,000", "all", digits=2),
        row("100/s: POST p50, ms", "ingest", "POST ms", "p50", digits=1),
        row("100/s: POST p99, ms", "ingest", "POST ms", "p99", digits=1),
        row("50/s: POST due to provider called, p50, ms", "orchestration", "POST to provider ms", "p50", digits=1),
        row("50/s: the same, p99, ms", "orchestration", "POST to provider ms", "p99", digits=1),
        row("50/s: 202 to provider called, p50, ms", "orchestration", "202 to provider ms", "p50", digits=1),
        row("50/s: the same, p99, ms", "orchestration", "202 to provider ms", "p99", digits=1),
        row("50/s: CPU-s per 1,000 events", "orchestration", "CPU-s/1,000", "all", digits=2),
        row(f"{results.size.twice} events POSTed twice: sent", "twice", "sent", ratio=False),
    ]
    heads = ("", "drumbeat", "drumbeat, batches of 100", "celery", "procrastinate")
    return (
        f"{_table(heads, rows)}\n\nIn brackets behind a peer's figure: the peer's divided by Drumbeat's (single POSTs)."
    )


def _cpu(results: Results) -> str:
    """Show where the CPU goes in a burst."""
    rows = []
    for system in SPEED:
        groups: dict[str, float] = next(iter(results.all(system, "burst", "CPU-s/1,000")), {})
        shares = ((group, results.spread(system, "burst", "CPU-s/1,000", group)) for group in groups if group != "all")
        rows.append([system, ", ".join(f"{group} {spread.median:.2f}" for group, spread in shares if spread)])
    return _table(("CPU-s per 1,000 events of a burst", "by processes"), rows)


def _queue(results: Results) -> str:
    """Show what part of the latency is the queue's."""
    spreads = {
        f"{title}, {at}": results.spread(OURS, "queue", figure, at)
        for title, figure in (
            ("in the queue (the emulator's own delivery)", "queue ms"),
            ("handed out by the queue to provider called (poller and worker)", "queue to provider ms"),
        )
        for at in ("p50", "p99")
    }
    rows = [[title, _range(spread, 1)] for title, spread in spreads.items() if spread]
    return _table(("Drumbeat at 50/s, a tap on the queue", "ms"), rows) if rows else ""


def _mailing(results: Results) -> str:
    """Show what one mailing to many people takes."""
    systems = [name for name in (OURS, "celery", "procrastinate") if results.all(name, "mailing")]
    if not systems:
        return ""

    def row(title: str, *path: str, digits: int = 0) -> list[str]:
        spreads = [results.spread(name, "mailing", *path) for name in systems]
        return [title, *("-" if spread is None else f"{spread.median:,.{digits}f}" for spread in spreads)]

    rows = [
        row("mails/s, from the request to the last stored status", "mails/s"),
        row("CPU-s per 1,000 mails", "CPU-s/1,000", "all", digits=2),
        row("s until the request is answered, or all is queued", "asked s", digits=1),
        row("kept of each mail, bytes", "bytes a mail"),
        row("lost, or sent twice, or status not stored", "wrong"),
    ]
    words = (
        f"{results.size.mails:,} mails to people who are known already, once. Drumbeat: a run of a campaign with an "
        "audience and no limits, on three workers, of which it leaves one for what people cause; each mail is filled "
        "for its person and has their own link to leave. Celery: a group; Procrastinate: a batch; two workers with 16 "
        "calls each, which send a row as it is."
    )
    return f"{_table(('one mailing', *systems), rows)}\n\n{words}"


def _faults(results: Results) -> str:
    if not results.all(FAULTS[0], "crash"):
        return ""

    def row(title: str, phase: str, name: str, digits: int = 0) -> list[str]:
        cells = []
        for system in FAULTS:
            values = [run["figures"][name] for run in results.runs if (run["system"], run["phase"]) == (system, phase)]
            cells.append(
                ", ".join("not within the run" if value is None else f"{value:,.{digits}f}" for value in values)
            )
        return [title, *cells]

    size = results.size
    rows = [
        row(f"{size.lies:,} events, provider accepts and answers 500 in 5 %: sent twice", "lies", "doubled"),
        row("the same: lost", "lies", "lost"),
        row("the same: status not stored at the end", "lies", "not stored"),
        row(f"{size.crash:,} events at 50/s, workers killed {size.kills} times: sent twice", "crash", "doubled"),
        row("the same: lost", "crash", "lost"),
        row("the same: status not stored at the end", "crash", "not stored"),
        row("the same: s from the last POST until all was stored", "crash", "recovered s", 0),
        row("the same: longest wait for a first send, s", "crash", "longest wait s", 1),
        row("the same: repeats that the provider knew by their key", "crash", "repeats"),
    ]
    words = (
        "drumbeat, keys: a receiver that knows a repeat by its Idempotency-Key. drumbeat, search: Mailgun's API, which "
        "has no keys and is searched before anything is sent again. Celery with a visibility timeout of 30 s, "
        "Procrastinate retrying stalled jobs each minute. Twice and lost are the provider's own record; one run each."
    )
    return f"{_table(('', *FAULTS), rows)}\n\n{words}"


def _cold(results: Results) -> str:
    """Show how the functions start, as deployed."""
    started = [run for run in results.runs if run["phase"] == "cold start"]
    if not started:
        return ""
    size, *functions = started
    rows = []
    for run in functions:
        figures, warm = run["figures"], run["figures"]["warm ms"]
        cells = [figures["import ms"], figures["init ms"], figures["first ms"], figures["modules"]]
        rows.append([run["system"], *(f"{cell:.0f}" for cell in cells), f"{warm['p50']:.1f} / {warm['p99']:.1f}"])
    heads = ("function", "import, ms", "start, ms", "start and first invocation, ms", "modules", "warm p50 / p99, ms")
    words = (
        f"The layers as deployed, built for this machine ({size['figures']['MB unzipped']:.1f} MB unzipped together), "
        "under Lambda's runtime client and the emulator of the SAM CLI, against real servers; medians of 5 starts and "
        "of 300 invocations. A start reads its parameters from the SSM API, as on AWS."
    )
    return f"{_table(heads, rows)}\n\n{words}"


def _cells(spreads: Sequence[Spread | None], digits: int, *, ratio: bool) -> Iterable[str]:
    ours = spreads[0]
    for index, spread in enumerate(spreads):
        if spread is None:
            yield "-"
        elif index > 1 and ratio and ours and ours.median:
            yield f"{_range(spread, digits)} [×{spread.median / ours.median:.2f}]"
        else:
            yield _range(spread, digits)


def _range(spread: Spread, digits: int) -> str:
    if spread.low == spread.high:
        return f"{spread.median:,.{digits}f}"
    return f"{spread.median:,.{digits}f} ({spread.low:,.{digits}f}..{spread.high:,.{digits}f})"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _short(value: object) -> str:
    if isinstance(value, dict):
        return "/".join(f"{part:.3g}" for part in value.values())
    return f"{value:.4g}" if isinstance(value, float) else str(value)
