"""Verdicts of gates as JUnit XML, which build servers show: a test case each; a waived gate is skipped, with its reason."""

from __future__ import annotations

from xml.etree import ElementTree

from assistant.evaluation.report import Summary


def junit(found: Summary) -> str:
    """The file's text."""
    failed = [verdict for verdict in found.verdicts if not verdict.passed]
    waived = [verdict for verdict in found.verdicts if verdict.waived]
    suite = ElementTree.Element(
        "testsuite", name="assistant eval", tests=str(len(found.verdicts)), failures=str(len(failed)), errors="0", skipped=str(len(waived)), timestamp=str(found.header.get("made", ""))
    )
    for verdict in found.verdicts:
        case = ElementTree.SubElement(suite, "testcase", classname="gates", name=verdict.gate)
        if not verdict.passed:
            ElementTree.SubElement(case, "failure", message=verdict.reason)
        elif verdict.waived:
            ElementTree.SubElement(case, "skipped", message=f"{verdict.reason}; waived: {verdict.waived}")
        elif verdict.reason:
            ElementTree.SubElement(case, "system-out").text = verdict.reason
    tree = ElementTree.Element("testsuites")
    tree.append(suite)
    ElementTree.indent(tree)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(tree, encoding="unicode") + "\n"
