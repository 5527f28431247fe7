"""Whether a script for pgbench has the statements that a server ran.

usage: same.py SCRIPT SERVED TIMES

SERVED has what pg_stat_statements counted, a JSON object a line, while the server did the thing TIMES times. What it did more
often belongs to making ready as well; what it did less often, to nothing else than that.
"""

import json
import re
import sys


def normal(statement: str) -> str:
    """The statement without its values and layout."""
    statement = re.sub(r"--.*", " ", statement)
    statement = re.sub(r"'[^']*'|[$:]\w+|\b\d+\b", "?", statement)
    # Layout inside of parentheses is layout as well.
    statement = re.sub(r"\s*([()])\s*", r" \1 ", statement)
    return re.sub(r"\s+", " ", statement).strip(" ;").lower()


def main() -> int:
    script, served, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
    text = "\n".join(line for line in open(script) if not line.startswith("\\"))
    text = re.sub(r"--.*", " ", text)
    ours = {normal(statement) for statement in text.split(";")} - {""}
    calls: dict[str, int] = {}
    for line in open(served):
        row = json.loads(line)
        statement = normal(row["query"])
        calls[statement] = calls.get(statement, 0) + row["calls"]
    extra = [statement for statement in ours if calls.get(statement, 0) < times]
    lacking = [s for s, n in calls.items() if times <= n < times + times // 10 and s not in ours]
    for statement in extra:
        print(f"the server does not run: {statement}")
    for statement in lacking:
        print(f"the server runs as well: {statement}")
    return 1 if extra or lacking else 0


if __name__ == "__main__":
    sys.exit(main())
