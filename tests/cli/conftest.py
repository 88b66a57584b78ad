"""What the tests of the commands share."""

import pytest

from portal.extensions import db


@pytest.fixture
def flask(app):
    """Type a command: `flask("stores", "list")` answers with output, stderr and exit code."""

    def run(*words, answers=None):
        db.session.rollback()  # the command has a session of its own: do not stand in its way
        result = app.test_cli_runner().invoke(args=[str(word) for word in words], input=answers)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
