"""Checks the shop and writes what it came to into out/. A test is a function test_* of tests/*.py.

check.py tests [FILE..]   runs the tests: out/tests.xml (JUnit), out/lines.info (LCOV: which lines of the shop ran)
check.py mutants [MOST]   runs the tests with one operator changed at a time: out/outcomes.json (as cargo-mutants); stops after MOST
check.py speed            how much work the shop does: out/speed.json (as hyperfine; a line run is a microsecond, so that it is
                          the same on each machine)
check.py picture [SHADE]  a receipt as a picture: out/receipt.png
"""

import json
import pathlib
import struct
import sys
import types
import zlib
from xml.sax.saxutils import quoteattr

OUT = pathlib.Path("out")
SHOP = pathlib.Path("src/shop.py")
SWAPS = [(" + ", " - "), (" - ", " + "), (" * ", " + "), (" // ", " * "), (" < ", " >= "), (" >= ", " < ")]


class Skipped(Exception):
    """What a test raises to be skipped."""


def load(text, path, **given):
    module = types.ModuleType(path)
    vars(module).update(given)
    exec(compile(text, path, "exec"), vars(module))
    return module


def tests(shop, files):
    """Yields (file, name, function), as often as a test has copies."""
    for file in files:
        module = load(file.read_text(), str(file), shop=shop, Skipped=Skipped)
        for name, test in vars(module).items():
            if name.startswith("test_"):
                for _ in range(getattr(test, "copies", 1)):
                    yield file, name, test


def all_files():
    return sorted(pathlib.Path("tests").glob("test_*.py"))


def count_lines(code):
    """Returns the lines of a code object that can run, those of its functions among them."""
    lines = {line for _, _, line in code.co_lines() if line}
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            lines |= count_lines(part)
    return lines


def watched(seen):
    def trace(frame, event, _):
        if frame.f_code.co_filename != str(SHOP):
            return None
        if event == "line":
            seen(frame.f_lineno)
        return trace

    return trace


def run_tests(files):
    ran, cases, failed = set(), [], False
    text = SHOP.read_text()
    sys.settrace(watched(ran.add))
    shop = load(text, str(SHOP))
    for file, name, test in tests(shop, files):
        case = f"<testcase classname={quoteattr(file.stem)} name={quoteattr(name)}"
        try:
            test()
            cases.append(case + "/>")
        except Skipped as why:
            cases.append(f"{case}><skipped message={quoteattr(str(why))}/></testcase>")
        except Exception as why:
            failed = True
            cases.append(f"{case}><failure message={quoteattr(repr(why))}/></testcase>")
    sys.settrace(None)
    OUT.joinpath("tests.xml").write_text(f'<testsuite name="shop">{"".join(cases)}</testsuite>\n')
    lines = sorted(count_lines(compile(text, str(SHOP), "exec")) - {0})
    records = "".join(f"DA:{line},{int(line in ran)}\n" for line in lines)
    OUT.joinpath("lines.info").write_text(f"SF:{SHOP}\n{records}end_of_record\n")
    return int(failed)


def noticed(text):
    try:
        for _, _, test in tests(load(text, str(SHOP)), all_files()):
            try:
                test()
            except Skipped:
                pass
    except Exception:
        return True
    return False


def run_mutants(most):
    lines = SHOP.read_text().splitlines()
    outcomes = [{"scenario": "Baseline", "summary": "Failure" if noticed("\n".join(lines)) else "Success"}]
    counts = {"CaughtMutant": 0, "MissedMutant": 0}
    places = [(at, swap) for at, line in enumerate(lines) for swap in SWAPS if swap[0] in line]
    for at, (old, new) in places[:most]:
        mutated = lines[:at] + [lines[at].replace(old, new, 1)] + lines[at + 1 :]
        summary = "CaughtMutant" if noticed("\n".join(mutated)) else "MissedMutant"
        counts[summary] += 1
        span = {"start": {"line": at + 1}, "end": {"line": at + 1}}
        said = f"{SHOP}:{at + 1}:1: {lines[at].strip()}: replace{old}with{new}".rstrip()
        mutant = {"name": said, "package": "shop", "file": str(SHOP), "span": span, "genre": "Operator"}
        outcomes.append({"scenario": {"Mutant": mutant}, "summary": summary})
    # As the tool does it: a run that was stopped has no end, and all else of it looks as if it were whole.
    report = {"outcomes": outcomes, "total_mutants": len(outcomes) - 1, "caught": counts["CaughtMutant"]}
    report |= {"missed": counts["MissedMutant"], "timeout": 0, "unviable": 0}
    report["end_time"] = "2026-01-02T03:04:05Z" if len(outcomes) > len(places) else None
    OUT.joinpath("outcomes.json").write_text(json.dumps(report))
    return 0


def run_speed():
    steps = []
    shop = load(SHOP.read_text(), str(SHOP))
    sys.settrace(watched(steps.append))
    shop.total([1] * 1000)
    sys.settrace(None)
    seconds = len(steps) / 1e6
    result = {"command": "total of 1000", "mean": seconds, "user": seconds, "times": [seconds] * 5, "exit_codes": [0] * 5}
    OUT.joinpath("speed.json").write_text(json.dumps({"results": [result]}))
    return 0


def draw(shade):
    shop = load(SHOP.read_text(), str(SHOP))
    prices = [30, 60, shop.discounted(50)]
    rows = b"".join(b"\0" + bytes([shade] * price + [255] * (64 - price)) for price in prices)
    chunk = lambda kind, of: struct.pack(">I", len(of)) + kind + of + struct.pack(">I", zlib.crc32(kind + of))
    header = struct.pack(">IIBBBBB", 64, len(prices), 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    OUT.joinpath("receipt.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    return 0


def main(what, *words):
    OUT.mkdir(exist_ok=True)
    if what == "tests":
        return run_tests([pathlib.Path(word) for word in words] or all_files())
    if what == "mutants":
        return run_mutants(int(words[0]) if words else None)
    return run_speed() if what == "speed" else draw(int(words[0]) if words else 0)


sys.exit(main(*sys.argv[1:]))
