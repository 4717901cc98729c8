"""Compares a conformance run with the list of cases that are not claimed yet.

Usage: conformance.py REPORT.json NOT_YET.txt. Fails if a case fails that is not in the list; tells which cases of the list
pass, so that they can be taken out of it.
"""

import json
import sys


def main(report_path, list_path):
    with open(report_path, encoding="utf-8") as file:
        report = json.load(file)
    with open(list_path, encoding="utf-8") as file:
        lines = (line.split("#")[0].strip() for line in file)
        not_yet = {line for line in lines if line}
    cases = report["cases"] if isinstance(report, dict) else report
    outcome = {case["name"]: case["outcome"] for case in cases}
    unexpected = sorted(name for name, result in outcome.items() if result == "failed" and name not in not_yet)
    surprising = sorted(name for name, result in outcome.items() if result == "passed" and name in not_yet)
    passed = sum(result == "passed" for result in outcome.values())
    for name in surprising:
        print(f"{name} passes: take it out of {list_path}")
    for name in unexpected:
        print(f"{name} fails, and is not in {list_path}")
    print(f"conformance: {passed} passed, {len(unexpected)} failed, {len(outcome) - passed - len(unexpected)} skipped")
    return 1 if unexpected or not passed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
