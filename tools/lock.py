"""Resolve pyproject.toml into two lock files that pip installs with --require-hashes."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = {"requirements.txt": (), "requirements-dev.txt": ("--group", "dev")}
# One file for every system and every Python from the oldest we take.
COMMON = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--custom-compile-command=make lock",
    "--quiet",
)


def main() -> int:
    """Write both files; pins that still fit stay as they were."""
    uv = Path(sys.executable).with_name("uv")
    env = {**os.environ, "UV_NO_CONFIG": "1"}
    for file, wish in FILES.items():
        command = [uv, "pip", "compile", "pyproject.toml", *wish, *COMMON, "-o", file]
        subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
