"""Holds a conformance run against what is claimed.

    conformance.py REPORT.json --not-yet LIST [--baseline LIST]... --claimed NUMBER

Fails if a case that is not in the list of those not claimed yet fails or was not played, if fewer cases than NUMBER pass, or if the list
has a name that one of the baselines, the lists of earlier releases, does not have: what was claimed once stays claimed. Tells which cases
of the list pass, so that they can be taken out of it, and when NUMBER can be raised.
"""

import argparse
import json
import sys


def names(path):
    with open(path, encoding="utf-8") as file:
        lines = (line.split("#")[0].strip() for line in file)
        return {line for line in lines if line}


def problems(outcome, not_yet, baselines, claimed):
    """What is wrong, a sentence each."""
    for name, result in sorted(outcome.items()):
        if result != "passed" and name not in not_yet:
            yield f"{name} is claimed, and {result}"
    passed = sum(result == "passed" for result in outcome.values())
    if passed < claimed:
        yield f"{passed} cases pass, and {claimed} must"
    for path, baseline in baselines.items():
        for name in sorted(not_yet - baseline):
            yield f"{name} is not claimed any more: {path} does not have it"


def remarks(outcome, not_yet, claimed):
    """What can be tightened, a sentence each."""
    for name in sorted(not_yet):
        if outcome.get(name) == "passed":
            yield f"{name} passes: take it out of the list"
        elif name not in outcome:
            yield f"{name} is in the list, and no such case was played"
    passed = sum(result == "passed" for result in outcome.values())
    if passed > claimed:
        yield f"{passed} cases pass: raise the number of {claimed}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("report")
    parser.add_argument("--not-yet", required=True)
    parser.add_argument("--baseline", action="append", default=[])
    parser.add_argument("--claimed", type=int, required=True)
    options = parser.parse_args()
    with open(options.report, encoding="utf-8") as file:
        report = json.load(file)
    cases = report["cases"] if isinstance(report, dict) else report
    outcome = {case["name"]: case["outcome"] for case in cases}
    not_yet = names(options.not_yet)
    baselines = {path: names(path) for path in options.baseline}
    found = list(problems(outcome, not_yet, baselines, options.claimed))
    for line in [*remarks(outcome, not_yet, options.claimed), *found]:
        print(line)
    passed = sum(result == "passed" for result in outcome.values())
    print(f"conformance: {passed} of {len(outcome)} cases pass, {len(not_yet)} are not claimed, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
