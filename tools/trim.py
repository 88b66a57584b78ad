"""Cut the style sheet others wrote down to what our pages use, or check that it was.

`python tools/trim.py` reads tools/tabler/tabler.min.css and writes static/vendor/tabler/tabler.css: the
rules whose classes occur as words in our templates, scripts and screens, and the variables and animations
those rules use. A tenth is left, which every phone reads sooner. `--check` says what is missing there.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
WHOLE = ROOT / "tools" / "tabler" / "tabler.min.css"
TRIMMED = ROOT / "static" / "vendor" / "tabler" / "tabler.css"
READ = (("templates", "*.html"), ("static/js", "*.js"), ("portal", "*.py"))
OURS = ROOT / "static" / "css"

WORD = re.compile(r"[A-Za-z_][\w-]*")
CLASS = re.compile(r"\.(-?[A-Za-z_](?:[\w-]|\\.)*)")
# What stands in these may match without the class.
CHOICE = re.compile(r":(?:not|is|where|has)\((?:[^()]|\([^()]*\))*\)")
# A text, an address or a comment may hold any sign.
OPAQUE = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|url\([^)"\']*\)|/\*.*?\*/', re.DOTALL)
VARIABLE = re.compile(r"var\(\s*(--[\w-]+)")


class Rule(NamedTuple):
    """One rule: what it is for, and either declarations or rules inside."""

    head: str
    body: str
    inside: tuple["Rule", ...] = ()


def main() -> int:
    """Write the trimmed file, or look whether it still has everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="say what is missing, change nothing")
    check = parser.parse_args().check
    made = trimmed(WHOLE.read_text(encoding="utf-8"), words(), own_style())
    if not check:
        TRIMMED.write_text(made, encoding="utf-8")
        return 0
    there = TRIMMED.read_text(encoding="utf-8") if TRIMMED.exists() else ""
    missing = sorted({selector for _, selector, _ in facts(parsed(made)) - facts(parsed(there))})
    if missing:
        told = ", ".join(missing[:5])
        print(f"{TRIMMED.name} lacks what is used now: {told}. Run 'make fix'.", file=sys.stderr)
    return 1 if missing else 0


def facts(rules: Iterable[Rule], where: str = "") -> set[tuple[str, str, str]]:
    """Take rules down to single statements: under which condition, of what, which declaration."""
    found: set[tuple[str, str, str]] = set()
    for rule in rules:
        found |= facts(rule.inside, where + rule.head)
        for selector in parts(rule.head, ",") if not rule.inside else ():
            found |= {(where, selector, declaration) for declaration in parts(rule.body, ";")}
    return found


def words() -> frozenset[str]:
    """Gather every word of our pages: more than their classes, never fewer."""
    files = (file for folder, ending in READ for file in (ROOT / folder).rglob(ending))
    return frozenset(word for file in files for word in WORD.findall(file.read_text(encoding="utf-8")))


def own_style() -> str:
    """Read our own style sheets: they may use variables of the whole one."""
    return "".join(file.read_text(encoding="utf-8") for file in sorted(OURS.glob("*.css")))


def trimmed(css: str, used: frozenset[str], ours: str) -> str:
    """Keep the rules that can match, and of the variables and animations what they use."""
    banner = re.search(r"/\*!.*?\*/", css, re.DOTALL)
    rules = list(kept(parsed(css), used))
    while (fewer := list(without_idle(rules, written(rules) + ours))) != rules:
        rules = fewer
    head = f"{banner[0]}\n/* Cut down by tools/trim.py to what our pages use. */\n" if banner else ""
    return '@charset "UTF-8";' + head + written(rules) + "\n"


def parsed(css: str) -> tuple[Rule, ...]:
    """Take a style sheet apart."""
    return tuple(_rules(css, 0, len(css)))


def _rules(css: str, at: int, end: int) -> Iterator[Rule]:
    while (opening := _next(css, "{;", at, end)) < end:
        head = css[at:opening].strip()
        if css[opening] == ";":  # a charset, an import
            at = opening + 1
            continue
        closing = _closing(css, opening, end)
        head = re.sub(r"/\*.*?\*/", "", head, flags=re.DOTALL).strip()
        if head.startswith(("@media", "@supports", "@layer", "@container")):
            yield Rule(head, "", tuple(_rules(css, opening + 1, closing)))
        else:
            yield Rule(head, css[opening + 1 : closing].strip().rstrip(";"))
        at = closing + 1


def _next(css: str, signs: str, at: int, end: int) -> int:
    """Find the next of these signs that is not part of a text or an address."""
    while at < end:
        opaque = OPAQUE.match(css, at)
        if opaque:
            at = opaque.end()
        elif css[at] in signs:
            return at
        else:
            at += 1
    return end


def _closing(css: str, opening: int, end: int) -> int:
    depth, at = 1, opening + 1
    while depth:
        at = _next(css, "{}", at, end)
        depth += 1 if css[at] == "{" else -1
        at += 1
    return at - 1


def kept(rules: Iterable[Rule], used: frozenset[str]) -> Iterator[Rule]:
    """Keep the rules and selectors that can match a page of ours."""
    for rule in rules:
        if rule.inside:
            inside = tuple(kept(rule.inside, used))
            if inside:
                yield rule._replace(inside=inside)
        elif rule.head.startswith("@"):
            yield rule
        elif selectors := [each for each in parts(rule.head, ",") if can_match(each, used)]:
            yield rule._replace(head=",".join(selectors))


def can_match(selector: str, used: frozenset[str]) -> bool:
    """Whether each class the selector insists on is a word of our pages."""
    return used.issuperset(CLASS.findall(CHOICE.sub("", selector)))


def parts(text: str, sign: str) -> Iterator[str]:
    """Part a text at a sign that is in no brackets and no quotes."""
    depth = begin = at = 0
    while at < len(text):
        opaque = OPAQUE.match(text, at)
        if opaque:
            at = opaque.end()
            continue
        depth += (text[at] in "([") - (text[at] in ")]")
        if text[at] == sign and not depth:
            yield text[begin:at].strip()
            begin = at + 1
        at += 1
    yield text[begin:].strip()


def without_idle(rules: Iterable[Rule], everything: str) -> Iterator[Rule]:
    """Leave out variables nobody reads, animations nobody plays, and rules that say nothing then."""
    read = frozenset(VARIABLE.findall(everything))
    played = frozenset(WORD.findall(" ".join(re.findall(r"animation[\w-]*:([^;}]*)", everything))))
    for rule in rules:
        if useful := _useful(rule, read, played):
            yield useful


def _useful(rule: Rule, read: frozenset[str], played: frozenset[str]) -> Rule | None:
    name = rule.head.split()[-1]
    if rule.inside:
        inside = tuple(each for one in rule.inside if (each := _useful(one, read, played)))
        return rule._replace(inside=inside) if inside else None
    if rule.head.startswith("@"):
        is_used = name in (played if "keyframes" in rule.head else read) or "@font" in rule.head
        return rule if is_used else None
    said = [each for each in parts(rule.body, ";") if _is_read(each, read)]
    return rule._replace(body=";".join(said)) if said else None


def _is_read(declaration: str, read: frozenset[str]) -> bool:
    name = declaration.partition(":")[0].strip()
    return bool(name) and (not name.startswith("--") or name in read)


def written(rules: Iterable[Rule]) -> str:
    """Put a style sheet together again."""
    return "".join(f"{rule.head}{{{written(rule.inside) if rule.inside else rule.body}}}" for rule in rules)


if __name__ == "__main__":
    sys.exit(main())
