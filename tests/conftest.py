"""Where pytest finds the tests' fixtures: engines here, Carnet's own in fixtures.py."""

pytest_plugins = ["tests.engines", "tests.fixtures"]
