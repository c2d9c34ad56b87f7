"""Write the parts of the docs that follow from the code, or check that they are up to date.

    python docs/generate.py [--check]

Knows what to write between markers `<!-- generated: NAME -->` and `<!-- end -->`: the tables of the
catalog (from `schema.sql` and `labels.sql`), the help of every command, the parts of an answer
(from the dataclasses of `explorer.questions`), the methods of `Explorer`, what results can do and
the errors (from their docstrings), the model families (from the indexer's table, and one entry of
its source), the file tree with the first line of each module's docstring, the rooms with their
imports (`rooms.py`), and the index of decisions (`records.py`). Besides, the pictures of pages.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from indexer.architectures import Family

import records
import rooms

ROOT = Path(__file__).parent.parent
MARK = re.compile(r"(<!-- generated: (?P<name>\w+) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)
PAGES = (
    "README.md",
    "docs/answers.md",
    "docs/architecture.md",
    "docs/cli.md",
    "docs/decisions.md",
    "docs/families.md",
    "docs/format.md",
    "docs/python.md",
    "docs/schema.md",
    "docs/tui.md",
)
SNAPSHOTS = ROOT / "tests/__snapshots__/test_screen_pictures"
PICTURES = ROOT / "docs/pictures"
SUFFIXES = (".py", ".sql", ".toml", ".md", ".sh", ".ipynb")
TREES = ("explorer", "indexer", "tests", "benchmarks", "docs", "examples", "indexes")


def tables() -> str:
    """Every table and column of the catalog with its COMMENT, as Markdown."""
    import duckdb

    with duckdb.connect() as con:
        for name in ("schema.sql", "labels.sql"):
            con.execute((ROOT / "indexer/store" / name).read_text("utf-8"))
        out = []
        for name, comment in con.execute(
            "SELECT table_name, comment FROM duckdb_tables() ORDER BY table_oid"
        ).fetchall():
            out += [
                f"### `{name}`",
                "",
                f"{comment}.",
                "",
                "| column | type | |",
                "| --- | --- | --- |",
            ]
            for column, kind, about in con.execute(
                "SELECT column_name, data_type, comment FROM duckdb_columns() "
                "WHERE table_name = ? ORDER BY column_index",
                [name],
            ).fetchall():
                if about is None:
                    raise SystemExit(f"schema.sql: {name}.{column} has no COMMENT")
                out.append(f"| `{column}` | `{kind}` | {about} |")
            out.append("")
    return "\n".join(out)


def functions() -> str:
    """Every function of SQL, its parameters and what it gives, as Markdown."""
    from explorer.sql.functions import functions

    out = []
    for one in functions():
        about = one.about if one.about.endswith("?") else f"{one.about}."
        out += [f"### `{one.name}`", "", "```sql", one.signature, "```", "", about, ""]
        out += ["| parameter | type | |", "| --- | --- | --- |"]
        out += [f"| `{p.name}` | `{p.type}` | {p.about} |" for p in one.parameters]
        if one.columns:
            out += ["", "| gives | type | |", "| --- | --- | --- |"]
            out += [f"| `{c.name}` | `{c.type}` | {c.about} |" for c in one.columns]
        else:
            out += ["", f"Gives a `{one.returns}`."]
        out.append("")
    return "\n".join(out)


def help_pages() -> str:
    """The `--help` of both programs and each of their commands."""
    import click

    from explorer.cli import cli as explorer
    from indexer.cli import cli as indexer

    def pages(command: click.Command, name: str) -> Iterator[str]:
        context = click.Context(command, info_name=name, max_content_width=90, terminal_width=90)
        yield f"## `{name}`\n\n```text\n{command.get_help(context)}\n```\n"
        for child in getattr(command, "commands", {}).values():
            yield from pages(child, f"{name} {child.name}")

    return "\n".join([*pages(explorer, "explorer"), *pages(indexer, "indexer")])


def answers() -> str:
    """Every part of an answer's JSON, from the dataclasses that results are made of."""
    from explorer.questions import QUERIES, Calibration, Meta, Query, Resolved
    from explorer.questions.answer import records
    from explorer.sql.functions import answer_of

    everywhere = (Meta, Resolved, Calibration)
    out = ["## In every answer", "", *(line for part in everywhere for line in _fields(part))]
    for kind in QUERIES:
        out += [f"## `{' '.join(kind.command) or kind.question}`", ""]
        for part in records(answer_of(kind)):
            if part not in everywhere and not issubclass(part, Query):
                out += _fields(part)
    return "\n".join(out)


def _fields(part: type) -> list[str]:
    """A dataclass as a table of its own fields."""
    from explorer.questions.answer import described

    about, fields = _about(part), described(part)
    out = [f"**{part.__name__}**: {about}", "", "| field | type | |", "| --- | --- | --- |"]
    hints = get_type_hints(part)
    for field in dataclasses.fields(part):
        if field.name in part.__annotations__:
            kind = _written(hints[field.name]).replace("|", "\\|")
            out.append(f"| `{field.name}` | `{kind}` | {fields.get(field.name, '')} |")
    return [*out, ""]


def _written(hint: Any) -> str:
    """An annotation as JSON's readers need it: a choice is one of its values."""
    inside = get_args(hint)
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, inside)) if len(inside) < 7 else "str"
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        return " | ".join(map(_written, inside))
    if get_origin(hint) in (tuple, dict):
        name = get_origin(hint).__name__
        return f"{name}[{', '.join('...' if one is ... else _written(one) for one in inside)}]"
    return "None" if hint is type(None) else getattr(hint, "__name__", str(hint))


def _about(part: type) -> str:
    """The first paragraphs of a docstring, in one line."""
    return " ".join((inspect.getdoc(part) or "").partition("Attributes:")[0].split())


def methods() -> str:
    """Every method and property of `Explorer`, in the order of the source."""
    from explorer import open as open_
    from explorer.api import Explorer

    out = [*_documented("explorer.open", open_)]
    for name in list(vars(Explorer)):
        member = getattr(Explorer, name)  # a method that asks is documented when it is looked at
        if not name.startswith("_"):
            out += _documented(f"ix.{name}", member)
    return "\n".join(out)


def can_do() -> str:
    """What every result can do, and which class is the answer of which question."""
    from explorer import questions
    from explorer.api import Explorer

    out = []
    for name, member in vars(questions.Result).items():
        if not name.startswith("_"):
            out += _documented(f"result.{name}", member)
    out += [
        "### Kinds of results",
        "",
        "| class | asked with | a row is | |",
        "| --- |" + " --- |" * 3,
    ]
    asked: dict[str, list[str]] = {}
    for name in list(vars(Explorer)):
        member = getattr(Explorer, name)
        if not name.startswith("_") and inspect.isfunction(member):
            for kind in set(re.findall(r"\w+", str(member.__annotations__.get("return", "")))):
                asked.setdefault(kind, []).append(f"`{name}`")
    for name in questions.__all__:
        part = getattr(questions, name)
        if issubclass(part, questions.Result) and part is not questions.Result:
            rows = part.__annotations__.get("rows", "tuple[dict, ...]")
            row = re.findall(r"\w+", rows)[1]
            about = _about(part)
            out.append(f"| `{name}` | {', '.join(asked[name])} | `{row}` | {about} |")
    return "\n".join([*out, ""])


def errors() -> str:
    """Every error of `explorer.errors`, with what it descends from."""
    from explorer import errors

    out = ["| error | is a | |", "| --- | --- | --- |"]
    for name in errors.__all__:
        kind = getattr(errors, name)
        out.append(f"| `{name}` | `{kind.__base__.__name__}` | {_about(kind)} |")
    return "\n".join([*out, ""])


def queries() -> str:
    """What stands in `query` of each answer, from the dataclasses."""
    from explorer.questions import QUERIES

    return "\n".join(line for kind in QUERIES for line in _fields(kind))


def _documented(name: str, member: object) -> list[str]:
    """A heading, the signature, what the docstring says, arguments as a list, the example."""
    function = member.fget if isinstance(member, property) else member
    text = inspect.getdoc(function) or ""
    sections = re.split(r"^(Args|Raises|Example):\n", text, flags=re.MULTILINE)
    said = dict(zip(sections[1::2], sections[2::2], strict=True))
    out = [
        f"### `{name}`",
        "",
        "```python",
        _signature(name, member),
        "```",
        "",
        sections[0].strip(),
    ]
    for title in ("Args", "Raises"):
        if title in said:
            entries = re.split(r"\n(?=\S)", textwrap.dedent(said[title]).strip())
            lines = [" ".join(entry.split()).split(": ", 1) for entry in entries]
            out += ["", f"{'Arguments' if title == 'Args' else title}:", ""]
            out += [f"- `{what}`: {about}" for what, about in lines]
    if "Example" in said:
        example = textwrap.dedent(said["Example"]).strip()
        out += ["", "```pycon", example, "```"]
    return [*out, ""]


def _signature(name: str, member: object) -> str:
    """As it is called: an argument a line where they are too long for one."""
    if isinstance(member, property):
        return f"{name}  # {member.fget.__annotations__['return']}"
    assert inspect.isfunction(member)
    parts = [_argument(p) for p in inspect.signature(member).parameters.values()]
    parts = [part for part in parts if part != "self"]
    returned = member.__annotations__["return"]
    whole = f"{name}({', '.join(parts)}) -> {returned}"
    if len(whole) <= 96:
        return whole
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), f") -> {returned}"])


def _argument(parameter: inspect.Parameter) -> str:
    star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    said = f"{star}{parameter.name}"
    if parameter.annotation is not parameter.empty:
        said += f": {parameter.annotation}"
    if parameter.default is not parameter.empty:
        said += f" = {getattr(parameter.default, '__name__', repr(parameter.default))}"
    return said


def families() -> str:
    """The table of families, one line an entry."""
    from indexer.architectures import FAMILIES, Fused

    titles = ("family", "`model_type`", "MLP", "norms", "attention", "to the logits", "GGUF", "")
    out = ["| " + " | ".join(titles).rstrip() + " |", "|" + " --- |" * len(titles)]
    for family in FAMILIES:
        mlp, attention = family.mlp, family.attention
        built = "gated" if family.gated else "plain"
        built += ", experts" if mlp.experts else ""
        before = "before" if mlp.norm else ""
        after = "after" if mlp.norm_after else ""
        norms = (
            f"{family.norm.name.replace('_', ' ')} {' and '.join(filter(None, (before, after)))}"
        )
        kind = "both ways" if family.encoder else "causal"
        kind += "" if attention.fused is Fused.NO else ", fused"
        types = ", ".join(f"`{name}`" for name in family.model_types)
        gguf = "yes" if family.gguf else ""
        notes = "; ".join(
            filter(
                None,
                (family.notes, family.embedding_note and f"embedding: {family.embedding_note}"),
            )
        )
        if not mlp.norm and not mlp.norm_after:
            norms = f"{family.norm.name} after each sum"
        cells = (family.title, types, built, norms, kind, _to_logits(family), gguf, notes)
        out.append(f"| {' | '.join(cells)} |")
    return "\n".join(out) + "\n"


def _to_logits(family: Family) -> str:
    """What a stream passes on its way from the last block to the logits."""
    if not family.unembedding:
        return "none"
    steps = [f"`{family.final_norm}`" if family.final_norm else "no norm"]
    steps += [f"`{family.project_out}`"] if family.project_out else []
    steps += ["a bias"] if family.unembedding_bias else []
    steps += [f"divided by `{family.logits_divided_by}`"] if family.logits_divided_by else []
    steps += [f"softcap `{family.logits_softcap}`"] if family.logits_softcap else []
    return ", ".join(steps)


def attributes() -> str:
    """The config attributes each entry knows to change its arithmetic, and those that all know."""
    from indexer.architectures import COMMON, FAMILIES

    def listed(names: Iterable[str]) -> str:
        return ", ".join(f"`{name}`" for name in sorted(names))

    out = ["| family | attributes of its own |", "| --- | --- |"]
    out += [f"| {f.title} | {listed(f.arithmetic)} |" for f in FAMILIES if f.arithmetic]
    return "\n".join([*out, "", f"All of them know {listed(COMMON)}."]) + "\n"


def entry() -> str:
    """One whole entry of the table, as it stands in the source."""
    path = ROOT / "indexer/architectures.py"
    text = path.read_text("utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_NEOX":
            source = ast.get_source_segment(text, node.value) or ""
            return f"```python\n{source}\n```\n"
    raise SystemExit("docs/families.md shows an entry that is no longer there")


def keys() -> str:
    """The views of the terminal UI and its keys, as Markdown."""
    from explorer.screen.commands import ACTIONS, LETTERS
    from explorer.views import VIEWS

    out = ["| view | key | |", "| --- | --- | --- |"]
    out += [f"| {v.title} | `alt+{LETTERS[v.name]}` | {v.about} |" for v in VIEWS.values()]
    out += ["", "| action | |", "| --- | --- |"]
    out += [f"| {title} | {about} |" for title, about, _ in ACTIONS]
    return "\n".join(out) + "\n"


def index_of_decisions() -> str:
    """Every decision with its number, by what it is about."""
    return records.index(records.numbered((ROOT / "docs/decisions.md").read_text("utf-8")))


def pictures(check: bool) -> list[str]:
    """The pictures that pages show: of views as the tests drew them, of the rooms as they are.

    Returns those that are out of date, and unless only checked writes them anew.
    """
    wanted = {PICTURES / "rooms.svg": rooms.picture().encode()}
    for page in PAGES:
        for name in re.findall(r"pictures/tui-([\w-]+)\.svg", (ROOT / page).read_text("utf-8")):
            view, theme = name.rsplit("-", 1)
            snapshot = SNAPSHOTS / f"test_a_view[{view}][{theme}].svg"
            wanted[PICTURES / f"tui-{name}.svg"] = snapshot.read_bytes()
    stale = []
    for kept, drawn in wanted.items():
        if not kept.exists() or kept.read_bytes() != drawn:
            stale.append(str(kept.relative_to(ROOT)))
            if not check:
                PICTURES.mkdir(exist_ok=True)
                kept.write_bytes(drawn)
    return stale


def tree() -> str:
    """The file tree, a line a file."""
    lines = []
    for top in TREES:
        lines.append(f"{top}/")
        for path in sorted((ROOT / top).rglob("*"), key=lambda p: (p.parent.parts, p.name)):
            relative = path.relative_to(ROOT / top)
            hidden = any(part.startswith((".", "__pycache__")) for part in relative.parts)
            if path.is_dir() or hidden or path.suffix not in SUFFIXES:
                continue
            if top == "indexes" and path.name != "README.md":
                continue
            about = first_line(path)
            if about and path.name not in ("__init__.py", "__main__.py"):
                lines.append(f"  {relative!s:<26} {about}")
    return "```text\n" + "\n".join(lines) + "\n```\n"


def first_line(path: Path) -> str:
    """What a file says of itself in its first line, shortened to one line of the tree."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        about = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0]
    elif path.suffix == ".ipynb":
        about = "".join(json.loads(text)["cells"][0]["source"]).splitlines()[0].lstrip("# ")
    elif path.suffix == ".md":
        about = next((line.lstrip("# ") for line in text.splitlines() if line.strip()), "")
    else:
        comments = [x for x in text.splitlines()[:4] if x.startswith(("--", "# "))]
        about = " ".join(re.sub(r"^(--|#) ", "", x) for x in comments)
    return textwrap.shorten(about.split(". ")[0].rstrip("."), 88, placeholder=" ...")


WRITERS: dict[str, Callable[[], str]] = {
    "answers": answers,
    "attributes": attributes,
    "can_do": can_do,
    "contracts": rooms.sentences,
    "entry": entry,
    "errors": errors,
    "families": families,
    "functions": functions,
    "help": help_pages,
    "methods": methods,
    "keys": keys,
    "queries": queries,
    "records": index_of_decisions,
    "rooms": rooms.listed,
    "tables": tables,
    "tree": tree,
}


def generated(text: str) -> str:
    """A page with every generated part written anew."""
    return MARK.sub(lambda m: f"{m[1]}{WRITERS[m['name']]()}{m[4]}", text)


def main() -> None:
    """Write, or with --check fail where something would be written."""
    stale = []
    for page in PAGES:
        path = ROOT / page
        before = path.read_text("utf-8")
        after = records.numbered(before) if page == "docs/decisions.md" else before
        after = generated(after)
        if before != after:
            stale.append(page)
            if "--check" not in sys.argv:
                path.write_text(after, "utf-8")
    stale += pictures("--check" in sys.argv)
    if "--check" in sys.argv and stale:
        raise SystemExit(f"out of date: {', '.join(stale)}; run `make docs`")
    print(f"docs: {'written: ' + ', '.join(stale) if stale else 'up to date'}")


if __name__ == "__main__":
    main()
