#!/usr/bin/env python3
"""Validates SBOM documents with two independent validators for each format.

Usage: validate.py FORMAT FILE...

FORMAT is cyclonedx-json, cyclonedx-xml, spdx-json, spdx-tag-value or syft-json; a version after "@" is ignored, the
documents say their own. One line is printed for each validator and file; the exit code is 1 where any finds a fault.

Needs, from PyPI: cyclonedx-python-lib[validation], check-jsonschema, xmlschema, spdx-tools, spdx-python-model,
ntia-conformance-checker. Where these variables are set, more is checked:
  PALISADE_SYFT_SCHEMA   JSON schema of Syft documents        PALISADE_SYFT    Syft itself, which then reads the file
  PALISADE_SPDX3_SCHEMA  JSON schema of SPDX 3
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

MAX_FAULTS = 10


def check_jsonschema(schema, path):
    """The check-jsonschema command; references are resolved beside the schema."""
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema)]
    command += ["--base-uri", Path(schema).as_uri(), str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return [] if run.returncode == 0 else [run.stdout + run.stderr]


def cyclonedx_schema(name):
    import cyclonedx.schema

    return Path(cyclonedx.schema.__file__).parent / "_res" / name


def cyclonedx_json(path):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    document = json.loads(path.read_text())
    version = document["specVersion"]
    validator = JsonStrictValidator(SchemaVersion.from_version(version))
    yield "cyclonedx-python-lib", list(validator.validate_str(path.read_text(), all_errors=True) or [])
    yield "check-jsonschema", check_jsonschema(cyclonedx_schema(f"bom-{version}.SNAPSHOT.schema.json"), path)
    yield "graph", graph_faults(document)


def graph_faults(document):
    """Every component must be reached from the root."""
    root = document.get("metadata", {}).get("component", {}).get("bom-ref")
    if root is None:
        return ["no root component"]
    needs = {node["ref"]: node.get("dependsOn", []) for node in document.get("dependencies", [])}
    reached, pending = set(), [root]
    while pending:
        ref = pending.pop()
        if ref not in reached:
            reached.add(ref)
            pending.extend(needs.get(ref, []))
    refs = [component["bom-ref"] for component in document.get("components", [])]
    faults = [f"{ref} is not reached from the root" for ref in refs if ref not in reached]
    known = {root, *refs}
    faults += [f"{ref} is no component" for ref in reached if ref not in known]
    faults += [f"{ref} comes twice" for ref in refs if refs.count(ref) > 1] if len(refs) != len(set(refs)) else []
    return faults


def cyclonedx_xml(path):
    import xmlschema
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.xml import XmlValidator

    text = path.read_text()
    version = re.search(r"cyclonedx\.org/schema/bom/([0-9.]+)", text).group(1)
    error = XmlValidator(SchemaVersion.from_version(version)).validate_str(text)
    yield "cyclonedx-python-lib", [] if error is None else [error]
    schema = xmlschema.XMLSchema10(str(cyclonedx_schema(f"bom-{version}.SNAPSHOT.xsd")))
    yield "xmlschema", [error.reason for error in schema.iter_errors(str(path))]


def spdx_json(path):
    document = json.loads(path.read_text())
    if "@context" in document:
        yield from spdx3(path)
    else:
        yield from spdx2(path, ".spdx.json")


def spdx2(path, suffix):
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    with tempfile.TemporaryDirectory() as folder:
        # The validators go by the name, and do not know 2.1, which differs from 2.2 in nothing that is written.
        copy = Path(folder) / f"document{suffix}"
        copy.write_text(path.read_text().replace("SPDXVersion: SPDX-2.1\n", "SPDXVersion: SPDX-2.2\n", 1))
        messages = validate_full_spdx_document(parse_file(str(copy)))
        yield "spdx-tools", [message.validation_message for message in messages]
        yield "ntia-conformance-checker", ntia_faults(copy, "spdx2")


def spdx3(path):
    from spdx_python_model.bindings import v3_0_1 as model

    objects = model.SHACLObjectSet()
    try:
        with path.open("rb") as file:
            model.JSONLDDeserializer().read(file, objects)
        faults = [f"{missing} leads nowhere" for missing in objects.link()]
    except (ValueError, TypeError, KeyError) as error:
        faults = [error]
    yield "spdx-python-model", faults
    yield "ntia-conformance-checker", ntia_faults(path, "spdx3")
    schema = os.environ.get("PALISADE_SPDX3_SCHEMA")
    if schema:
        yield "check-jsonschema", check_jsonschema(schema, path)


def ntia_faults(path, spec):
    """NTIA's minimum elements. An unknown supplier must be said to be unknown, which the checker counts as missing."""
    from ntia_conformance_checker import SbomChecker

    checker = SbomChecker(str(path), compliance="ntia", sbom_spec=spec, validate=False)
    faults = [f"{name} is missing" for name in ("doc_version", "doc_author", "doc_timestamp") if not getattr(checker, name)]
    if not checker.dependency_relationships:
        faults.append("no relationships")
    for element in ("names", "versions", "identifiers"):
        faults += [f"no {element}: {found}" for found in getattr(checker, f"components_without_{element}")]
    text = path.read_text()
    if checker.components_without_suppliers and "NOASSERTION" not in text:
        faults += [f"no supplier: {found}" for found in checker.components_without_suppliers]
    return faults


def spdx_tag_value(path):
    yield from spdx2(path, ".spdx")


def syft_json(path):
    schema, syft = os.environ.get("PALISADE_SYFT_SCHEMA"), os.environ.get("PALISADE_SYFT")
    if schema:
        yield "check-jsonschema", check_jsonschema(schema, path)
    if syft:
        run = subprocess.run([syft, "-q", "convert", str(path), "-o", "json"], capture_output=True, text=True, check=False)
        yield "syft", [] if run.returncode == 0 else [run.stderr]


FORMATS = {
    "cyclonedx-json": cyclonedx_json,
    "cyclonedx-xml": cyclonedx_xml,
    "spdx-json": spdx_json,
    "spdx-tag-value": spdx_tag_value,
    "syft-json": syft_json,
}


def main():
    if len(sys.argv) < 3 or sys.argv[1].split("@")[0] not in FORMATS:
        sys.exit(__doc__)
    validate = FORMATS[sys.argv[1].split("@")[0]]
    failed = False
    for name in sys.argv[2:]:
        for validator, faults in validate(Path(name).resolve()):
            print(f"{name}: {validator}: {'ok' if not faults else f'{len(faults)} faults'}")
            for fault in faults[:MAX_FAULTS]:
                failed = True
                print("    " + str(fault).strip().replace("\n", "\n    ")[:2000])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
