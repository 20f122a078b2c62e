"""Sums up test runs.

Usage: summary.py RESULTS_DIR [FAILED_STEP...]

Reads the JUnit files that ctest wrote to the directory, one for each build, and
prints what was skipped and why, what failed, and as the last line the counts. A
failed step counts as a failed test. Exits 1 if anything failed or nothing ran.
"""

import pathlib
import sys
import xml.etree.ElementTree


def reason(case):
    """Why a test was skipped, as it said itself in its output."""
    lines = [line.strip() for line in case.findtext("system-out", "").splitlines() if line.strip()]
    for before, line in zip(lines, lines[1:]):
        if before.endswith(": Skipped"):  # GoogleTest
            return line
    return lines[-1] if lines else "no reason given"


def main(results, failed_steps):
    passed, failed, skipped = 0, list(failed_steps), []
    for path in sorted(pathlib.Path(results).glob("*.xml")):
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            name = f"{path.stem}: {case.get('name')}"
            if case.find("failure") is not None:
                failed.append(name)
            elif case.find("skipped") is not None or case.get("status") != "run":
                skipped.append(f"{name}: {reason(case)}")
            else:
                passed += 1

    print("== summary")
    for name in skipped:
        print(f"skipped  {name}")
    for name in failed:
        print(f"FAILED   {name}")
    counts = f"{passed} passed, {len(failed)} failed"
    print(counts + (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
