"""What can be wrong with the URL of a database or of Redis: first as it is written, then by connecting."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from drumbeat.cli.checks import Check, check
from drumbeat.infrastructure.plain_text import may_be_plain
from drumbeat.ledger.database import ENCRYPTED, verified
from drumbeat.ledger.migrate import WAKING_CONNECT_TIMEOUT_SECONDS

POOLED_PORTS = {6432: "PgBouncer", 6543: "Supabase's pooler"}
TESTED_POSTGRES = 18


def written_postgres(url: str, *, owner: bool) -> str | None:
    """Return what is wrong with a Postgres URL as it is written; None: nothing."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    if not url.startswith(("postgresql://", "postgres://")):
        return "it is not like postgresql://user:password@host/database?sslmode=verify-full"
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        return "it cannot be read as a URL; percent-encode what is special in the password (@ as %40, / as %2F)"
    for part, words in (("host", "host"), ("user", "user"), ("dbname", "database")):
        if not parts.get(part):
            return f"it names no {words}; it is like postgresql://user:password@host/database?sslmode=verify-full"
    if may_be_plain(parts["host"], local=False):
        return None
    if not parts.get("password"):
        return "it has no password"
    if parts.get("sslmode") not in ENCRYPTED:
        return "add ?sslmode=verify-full: without it the password may travel unencrypted, or to another server"
    pooler = POOLED_PORTS.get(int(parts.get("port", "5432").partition(",")[0] or 5432))
    if owner and ("-pooler." in parts["host"] or pooler):
        return (
            f"that is {pooler or 'a pooled host'}; migrations need the server itself (Neon: the host without -pooler)"
        )
    return None


def written_together(owner: str, application: str) -> str | None:
    """Return what is wrong with two Postgres URLs that are each well written; None: nothing."""
    from psycopg.conninfo import conninfo_to_dict

    ours, theirs = conninfo_to_dict(owner), conninfo_to_dict(application)
    if ours["user"] == theirs["user"]:
        return (
            f"both log in as {ours['user']}, so nothing would keep the application from rewriting the ledger; give it"
            " another user, for example drumbeat_app: the deployment creates it"
        )
    if ours["dbname"] != theirs["dbname"]:
        return f"they name two databases, {ours['dbname']} and {theirs['dbname']}"
    return None


def written_redis(url: str) -> str | None:
    """Return what is wrong with a Redis URL as it is written; None: nothing."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("redis", "rediss") and parts.hostname and (parts.port or True)
    except ValueError:
        known = False
    if not known:
        return "it is not like rediss://default:password@host:6379"
    if parts.scheme == "redis" and not may_be_plain(parts.hostname or "", local=False):
        return "write rediss:// (TLS): with redis:// the password and every id travel unencrypted, so it is not used"
    return None


def redis_server(url: str) -> tuple[str | None, int] | None:
    """Return the host and port of a Redis URL; None for one that names none."""
    try:
        parts = urlsplit(url)
        return (parts.hostname, parts.port or 6379) if parts.hostname else None
    except ValueError:
        return None


def reach_postgres(owner: str, application: str) -> Iterator[Check]:
    """Log in as the owner, and as the application where that user exists already."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    user = str(conninfo_to_dict(application)["user"])
    try:
        with psycopg.connect(
            verified(owner), autocommit=True, connect_timeout=WAKING_CONNECT_TIMEOUT_SECONDS
        ) as server:
            version = server.info.server_version // 10000
            may = server.execute(
                "SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            there = server.execute("SELECT FROM pg_roles WHERE rolname = %s", [user]).rowcount > 0
    except psycopg.OperationalError as error:
        yield check("Postgres as the owner", False, _first_line(error), "check host, user, password and firewall")
        return
    tested = "" if version == TESTED_POSTGRES else f", tested on {TESTED_POSTGRES}"
    yield check("Postgres as the owner", True, f"version {version}{tested}{_unverified(owner)}")
    if there:
        yield _login(application, user)
    elif may is not None and may[0]:
        yield check("Postgres as the application", True, f"{user} will be created by the deployment")
    else:
        fix = f"as an administrator: CREATE ROLE {user} LOGIN PASSWORD '...' (that of the URL)"
        yield check("Postgres as the application", False, f"{user} does not exist and the owner may not create it", fix)


def _login(application: str, user: str) -> Check:
    import psycopg

    name = "Postgres as the application"
    try:
        with psycopg.connect(
            verified(application),
            autocommit=True,
            connect_timeout=WAKING_CONNECT_TIMEOUT_SECONDS,
            prepare_threshold=None,
        ) as ours:
            found = ours.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    except psycopg.OperationalError as error:
        fix = f"{user} exists and keeps its password: correct the URL, or as the owner ALTER ROLE {user} PASSWORD '...'"
        return check(name, False, _first_line(error), fix)
    fix = "a superuser can rewrite the ledger; give the application a user of its own"
    return check(name, not (found and found[0]), f"{user} logs in{_unverified(application)}", fix)


def reach_redis(url: str) -> Iterator[Check]:
    """Connect, and check whether it evicts keys when it is full."""
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(
            url, socket_timeout=WAKING_CONNECT_TIMEOUT_SECONDS, socket_connect_timeout=WAKING_CONNECT_TIMEOUT_SECONDS
        ) as redis:
            redis.ping()
            policy = str(redis.info("memory").get("maxmemory_policy", "noeviction"))
    except (RedisError, OSError) as error:
        yield check("Redis", False, str(error), "check host, port and password; rediss:// for TLS; and the firewall")
        return
    yield check("Redis", True, "answers" + ("" if policy == "noeviction" else f"; prefer noeviction to {policy}"))


def _unverified(url: str) -> str:
    """Return a remark for a connection whose server is not verified."""
    from psycopg.conninfo import conninfo_to_dict

    if conninfo_to_dict(url).get("sslmode") != "require":
        return ""
    return "; its certificate is not checked: write sslmode=verify-full, unless it signs its own (RDS)"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
