"""Show Carnet on this machine: the newest tables, a demo merchant, and a web server."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def main() -> None:
    """Prepare the database, then become the web server."""
    port = port_from(sys.argv[1:])
    os.chdir(ROOT)
    os.environ.setdefault("FLASK_APP", "wsgi.py")
    os.environ.setdefault("PUBLIC_URL", f"http://127.0.0.1:{port}")
    flask("db", "upgrade")
    # It also prints who may sign in.
    flask("demo", "--if-empty")
    print(f"\nCarnet is at http://127.0.0.1:{port} - stop it with Ctrl-C.\n", flush=True)
    serve(port)


def port_from(words: list[str]) -> int:
    """Read the port, or say that it is none."""
    word = words[0] if words else "8000"
    if not (word.isascii() and word.isdigit() and 0 < int(word[:6]) < 65_536):
        sys.exit(f"PORT: {word!r} is not a port. Use a number from 1 to 65535.")
    return int(word)


def flask(*words: str) -> None:
    """Run one command of ours; what it says is enough when it fails."""
    done = subprocess.run([BIN / "python", "-m", "flask", *words], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def serve(port: int) -> None:
    """Serve until stopped, on this machine only."""
    options = ["--worker-class=gthread", "--workers=1", "--threads=8"]
    options += [f"--bind=127.0.0.1:{port}", "--log-level=warning", "--no-control-socket"]
    os.execv(BIN / "python", [BIN / "python", "-m", "gunicorn", *options, "wsgi:app"])


if __name__ == "__main__":
    main()
