"""``python -m db.migrations "what changes"``: write a revision for what changed in ``db.models``.

Run it after a change of the models. The revision is the difference between the newest one, applied to
an empty database, and the models. Alembic cannot see changed CHECKs; add those by hand.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from db.engine import create_store
from db.migrations import alembic_config, migrate


def main() -> None:
    """Write the next revision, numbered by its place, into ``versions``."""
    if len(sys.argv) != 2:
        raise SystemExit('usage: python -m db.migrations "what changes"')
    with tempfile.TemporaryDirectory() as folder:
        engine = create_store(f"sqlite:///{Path(folder) / 'empty.sqlite'}")
        scripts = list(ScriptDirectory.from_config(alembic_config()).walk_revisions())
        if scripts:
            migrate(engine)
        with engine.connect() as connection:
            number = f"{len(scripts) + 1:04d}"
            command.revision(alembic_config(connection), sys.argv[1], autogenerate=True, rev_id=number)


if __name__ == "__main__":
    main()
