# Make a virtual environment with the first Python here that is new enough.
set -eu
venv=$1
fits='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'

if "$venv/bin/python" -c "$fits" 2>/dev/null && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  exit 0
fi
for python in python3 python3.14 python3.13 python3.12 python3.11; do
  if "$python" -c "$fits" 2>/dev/null; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
    exit 0
  fi
done
echo "Carnet needs Python 3.11 or newer with its venv module, and found none here." >&2
echo "Install it, for example with: apt-get install python3 python3-venv" >&2
exit 1
