"""Postgres: connections, roles, migrations, configuration versions."""
