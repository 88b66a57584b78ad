"""Copy the browser files that others wrote, or check that nobody changed them.

`python tools/vendor.py` reads vendor.toml, fetches each package with npm and writes
its files, the icon sprite and static/vendor/MANIFEST.json. `--check` needs neither npm
nor a network: it compares every file with the manifest.
"""

import argparse
import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "vendor.toml"
MANIFEST = ROOT / "static" / "vendor" / "MANIFEST.json"
# Made by tools/trim.py of a file named in the manifest.
TRIMMED = ROOT / "static" / "vendor" / "tabler" / "tabler.css"
# Every file under these must be named in the manifest.
FOLDERS = ("static/vendor", "tests/browser/vendor", "tools/htmx", "tools/tabler")

MIT = """MIT License

{copyright}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""

Package = dict[str, Any]


def main() -> int:
    """Do what the command line asks and answer with an exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, change nothing")
    if parser.parse_args().check:
        return report(list(faults()))
    write_all()
    return report(list(faults()))


def report(found: list[str]) -> int:
    """Say what is wrong, or that nothing is."""
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print("Run 'make vendor' to copy the files anew.", file=sys.stderr)
        return 1
    print("Vendored files are as published.")
    return 0


def faults() -> Iterator[str]:
    """Name every vendored file that is missing, changed, unknown or out of date."""
    if not MANIFEST.exists():
        yield f"{MANIFEST.relative_to(ROOT)} is missing."
        return
    packages = json.loads(MANIFEST.read_text(encoding="utf-8"))["packages"]
    yield from stale(packages)
    sums = {path: sha for one in packages for path, sha in one["files"].items()}
    for path, sha in sums.items():
        if not (ROOT / path).exists():
            yield f"{path} is missing."
        elif sha256(ROOT / path) != sha:
            yield f"{path} differs from what was published."
    yield from (f"{path} is not in vendor.toml." for path in present() - set(sums))


def stale(packages: list[Package]) -> Iterator[str]:
    """Name the packages whose version in vendor.toml is not the copied one."""
    have = {one["name"]: one["version"] for one in packages}
    for want in wanted():
        if have.get(want["name"]) != want["version"]:
            yield f"{want['name']} {want['version']} was not copied yet."


def present() -> set[str]:
    """Find every file that lies in a vendor folder."""
    files = (file for folder in FOLDERS for file in (ROOT / folder).rglob("*"))
    real = (f for f in files if f.is_file() and f not in {MANIFEST, TRIMMED} and f.suffix != ".pyc")
    return {file.relative_to(ROOT).as_posix() for file in real}


def wanted() -> list[Package]:
    """Read which packages vendor.toml names."""
    packages: list[Package] = tomllib.loads(LIST.read_text(encoding="utf-8"))["package"]
    return packages


def write_all() -> None:
    """Copy every package and write the manifest."""
    if shutil.which("npm") is None:
        sys.exit("npm is needed to copy the browser files, and this machine has none.")
    for folder in FOLDERS:
        shutil.rmtree(ROOT / folder, ignore_errors=True)
    packages = [copied(one) for one in wanted()]
    text = json.dumps({"packages": packages}, indent=2, ensure_ascii=False)
    MANIFEST.write_text(text + "\n", encoding="utf-8")


def copied(package: Package) -> Package:
    """Copy one package's files and answer with its entry in the manifest."""
    with tempfile.TemporaryDirectory() as name:
        home = unpacked(package, Path(name))
        files = {to: (home / path).read_bytes() for to, path in package["files"].items()}
        files |= sprite(package, home) | licence(package)
    for path, content in files.items():
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return {
        "name": package["name"],
        "version": package["version"],
        "licence": package["licence"],
        "files": {path: sha256(ROOT / path) for path in sorted(files)},
    }


def unpacked(package: Package, folder: Path) -> Path:
    """Fetch one package's archive, refuse a strange one, and unpack it."""
    name = f"{package['name']}@{package['version']}"
    command = ["npm", "pack", "--silent", "--ignore-scripts", name]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    archive = next(folder.glob("*.tgz"))
    digest = hashlib.sha512(archive.read_bytes()).digest()
    found = "sha512-" + base64.b64encode(digest).decode()
    if found != package["integrity"]:
        sys.exit(f"{name} has {found}, not what vendor.toml says. Nothing was copied.")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "package"


def sprite(package: Package, home: Path) -> dict[str, bytes]:
    """Assemble the named icons into one file of symbols."""
    if "sprite" not in package:
        return {}
    wish = package["sprite"]
    symbols = [symbol(n, home / wish["folder"] / f"{n}.svg") for n in wish["names"]]
    head = '<svg xmlns="http://www.w3.org/2000/svg">'
    note = f"<!-- {package['name']} {package['version']}, {package['licence']} -->"
    return {wish["file"]: "\n".join([head, note, *symbols, "</svg>", ""]).encode()}


def symbol(name: str, file: Path) -> str:
    """Turn one icon into a symbol that takes the colour of its text."""
    if not file.exists():
        sys.exit(f"There is no icon {name}.")
    body = re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", file.read_text(), flags=re.DOTALL)
    shapes = re.sub(r'\s*<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "", body)
    look = 'fill="none" stroke="currentColor" stroke-width="2"'
    ends = 'stroke-linecap="round" stroke-linejoin="round"'
    inside = "".join(line.strip() for line in shapes.strip().splitlines())
    return f'<symbol id="{name}" viewBox="0 0 24 24" {look} {ends}>{inside}</symbol>'


def licence(package: Package) -> dict[str, bytes]:
    """Write the licence of a package whose archive carries none."""
    if "licence_file" not in package:
        return {}
    text = MIT.format(copyright="\n".join(package["copyright"]))
    return {package["licence_file"]: text.encode()}


def sha256(file: Path) -> str:
    """Count a file's checksum."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
