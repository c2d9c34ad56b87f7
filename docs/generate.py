"""Write the parts of the docs that follow from the code, or check that they are up to date.

    python docs/generate.py [--check]

Knows what to write between markers `<!-- generated: NAME -->` and `<!-- end -->`: the tables of the
catalog (from `schema.sql` and `labels.sql`), the help of every command, the parts of an answer
(from the dataclasses of `explorer.results`), the model families (from the indexer's table, and one
entry of its source), and the file tree with the first line of each module's docstring.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MARK = re.compile(r"(<!-- generated: (?P<name>\w+) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)
PAGES = ("README.md", "docs/answers.md", "docs/cli.md", "docs/families.md", "docs/format.md")
ANSWERS = {
    "In every answer": ("Meta", "Resolved", "Calibration"),
    "`neighbors`": ("Neighbor",),
    "`middleman`": ("MiddleMan",),
    "`compare`": ("ComparedPair", "CompareMeta", "RandomPairs"),
    "`analogy`": ("Neighbor", "AnalogyMeta", "Target", "Component", "Other"),
    "`analogy --all-layers`": ("AnalogyLayer",),
    "`neuron`": ("NeuronNear", "NeuronMeta"),
    "`word`": ("WordNeuron", "WordMeta"),
    "`layers`": ("LayerRow",),
    "`ov`": ("HeadWrites",),
    "`baseline`": ("BaselineRow",),
    "`evaluate analogies`": ("AnalogyAccuracy", "EvaluateMeta", "Coverage"),
    "`evaluate similarity`": ("SimilarityCorrelation", "EvaluateMeta", "Coverage"),
    "`congruence`": ("CongruenceRow", "CongruenceMeta", "Match", "ScoreHistogram"),
    "`congruence --anchor WORD --space S`": ("AnchoredWord", "AnchoredMeta"),
}
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
    from explorer import results

    out = []
    for title, names in ANSWERS.items():
        out += [f"## {title}", ""]
        for name in names:
            part = getattr(results, name)
            about, fields = described(part)
            out += [f"**{name}**: {about}", "", "| field | type | |", "| --- | --- | --- |"]
            own = [f for f in dataclasses.fields(part) if f.name in part.__annotations__]
            for field in own:
                kind = str(field.type).replace("|", "\\|")
                out.append(f"| `{field.name}` | `{kind}` | {fields.get(field.name, '')} |")
            out.append("")
    return "\n".join(out)


def described(part: type) -> tuple[str, dict[str, str]]:
    """The first paragraph of a dataclass's docstring, and what it says of each attribute."""
    text = inspect.getdoc(part) or ""
    head, _, rest = text.partition("Attributes:")
    fields = {}
    for entry in re.split(r"\n(?=\w+: )", textwrap.dedent(rest)):
        match = re.match(r"\s*(\w+): (.*)", entry, re.DOTALL)
        if match:
            fields[match[1]] = " ".join(match[2].split())
    return " ".join(head.split()), fields


def families() -> str:
    """The table of families, one line an entry."""
    from indexer.architectures import FAMILIES, Fused

    out = ["| family | `model_type` | MLP | norms | attention | GGUF | |", "|" + " --- |" * 7]
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
        out.append(f"| {family.title} | {types} | {built} | {norms} | {kind} | {gguf} | {notes} |")
    return "\n".join(out) + "\n"


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


def tree() -> str:
    """The file tree, a line a file."""
    lines = []
    for top in TREES:
        lines.append(f"{top}/")
        for path in sorted((ROOT / top).rglob("*"), key=lambda p: (p.parent.parts, p.name)):
            relative = path.relative_to(ROOT / top)
            hidden = any(part.startswith((".", "__pycache__")) for part in relative.parts)
            if path.is_dir() or hidden or path.suffix not in (".py", ".sql", ".toml", ".md", ".sh"):
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
    elif path.suffix == ".md":
        about = next((line.lstrip("# ") for line in text.splitlines() if line.strip()), "")
    else:
        comments = [x for x in text.splitlines()[:4] if x.startswith(("--", "# "))]
        about = " ".join(re.sub(r"^(--|#) ", "", x) for x in comments)
    return textwrap.shorten(about.split(". ")[0].rstrip("."), 88, placeholder=" ...")


WRITERS: dict[str, Callable[[], str]] = {
    "answers": answers,
    "attributes": attributes,
    "entry": entry,
    "families": families,
    "help": help_pages,
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
        after = generated(before)
        if before != after:
            stale.append(page)
            if "--check" not in sys.argv:
                path.write_text(after, "utf-8")
    if "--check" in sys.argv and stale:
        raise SystemExit(f"out of date: {', '.join(stale)}; run `make docs`")
    print(f"docs: {'written: ' + ', '.join(stale) if stale else 'up to date'}")


if __name__ == "__main__":
    main()
