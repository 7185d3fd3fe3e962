"""What the programs are made of, as CycloneDX 1.5, from what cargo says.

usage: sbom.py [OUT]

Fails where a crate's licence, source or name is none that deny.toml allows. `cargo deny` (make audit) reads advisories too
and needs their database; this needs nothing.
"""

import json
import re
import subprocess
import sys
import tomllib

TARGET = "x86_64-unknown-linux-gnu"
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


def allowed(expression, licenses):
    """Whether an SPDX expression can be met: `/` is how older crates write OR."""
    tokens = re.findall(r"\(|\)|[^\s()/]+(?: WITH [^\s()/]+)?|/", expression)
    python = []
    for token in tokens:
        if token in ("(", ")"):
            python.append(token)
        elif token in ("OR", "/"):
            python.append("or")
        elif token == "AND":
            python.append("and")
        else:
            python.append(str(token in licenses))
    return eval(" ".join(python), {"__builtins__": {}})


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else "target/sbom.cdx.json"
    with open("deny.toml", "rb") as file:
        deny = tomllib.load(file)
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    with open("Cargo.lock", "rb") as file:
        lock = {(each["name"], each["version"]): each.get("checksum") for each in tomllib.load(file)["package"]}
    needed = {node["id"] for node in metadata["resolve"]["nodes"]}
    packages = sorted((each for each in metadata["packages"] if each["id"] in needed), key=lambda each: each["id"])
    banned = {each.get("crate", each.get("name")) for each in deny["bans"]["deny"]}
    wrong, components, versions = [], [], {}
    for package in packages:
        name, version, source = package["name"], package["version"], package["source"]
        expression = package["license"] or ""
        if not allowed(expression, set(deny["licenses"]["allow"])):
            wrong.append(f"{name} {version} has the licence {expression!r}, which deny.toml does not allow")
        if name in banned:
            wrong.append(f"{name} is banned")
        # Without a source it is in this repository.
        if source not in (None, CRATES_IO):
            wrong.append(f"{name} {version} comes from {source}")
        versions.setdefault(name, []).append(version)
        component = {
            "type": "library",
            "bom-ref": f"pkg:cargo/{name}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:cargo/{name}@{version}",
            "licenses": [{"expression": expression.replace("/", " OR ")}],
        }
        checksum = lock.get((name, version))
        if checksum:
            component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        components.append(component)
    names = {each["id"]: f"pkg:cargo/{each['name']}@{each['version']}" for each in packages}
    dependencies = [
        {"ref": names[node["id"]], "dependsOn": sorted(names[each] for each in node["dependencies"])}
        for node in metadata["resolve"]["nodes"]
    ]
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "azr-host"}},
        "components": components,
        "dependencies": sorted(dependencies, key=lambda each: each["ref"]),
    }
    with open(out, "w") as file:
        json.dump(bom, file, indent=1)
        file.write("\n")
    twice = {name: found for name, found in versions.items() if len(found) > 1}
    print(f"{out}: {len(components)} crates, {len(twice)} of them in several versions")
    for line in wrong:
        print(line, file=sys.stderr)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
