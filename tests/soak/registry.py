"""Environments in a registry server that is not ours, read and written by tools that are not ours.

Usage: python3 tests/soak/registry.py, from the repository's root after `make host envs/countdown.wasm envs/math.wasm`.
Takes the CNCF's registry (Debian's package docker-registry), skopeo, and oras (`pip install oras`) for this Python.
"""

import hashlib
import importlib.metadata
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

from experiment import HOST

CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/blobs}}, delete: {{enabled: true}}}}
http: {{addr: "{address}"}}
"""
COUNTDOWN, MATH = pathlib.Path("envs/countdown.wasm"), pathlib.Path("envs/math.wasm")


def needed():
    missing = [program for program in ("docker-registry", "skopeo") if shutil.which(program) is None]
    if missing:
        sys.exit(f"{' and '.join(missing)} not found; apt install {' '.join(missing)}")
    try:
        import oras.client
    except ImportError:
        sys.exit("oras not found; pip install oras")
    return oras.client


def output(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout.strip()


def serving(folder):
    """The address at which a registry answers, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    config = folder / "registry.yml"
    config.write_text(CONFIG.format(folder=folder, address=address))
    with open(folder / "registry.log", "wb") as log:
        server = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log)
    host, port = address.split(":")
    while server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return address, server
    sys.exit(f"the registry does not start:\n{(folder / 'registry.log').read_text()}")


def main():
    oras_client = needed()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        address, server = serving(folder)
        try:
            check(address, folder, oras_client)
        finally:
            server.kill()


def check(address, folder, oras_client):
    cache = ["--cache-dir", folder / "cache"]

    pinned = output(HOST, "env", "push", COUNTDOWN, f"oci://{address}/team/countdown:1.0", *cache)
    inspected = output(HOST, "env", "inspect", pinned, *cache)
    digest = next(line.split()[1] for line in inspected.splitlines() if line.split()[0] == "digest")
    assert digest == hashlib.sha256(COUNTDOWN.read_bytes()).hexdigest(), inspected
    print("pushed and pulled", pinned)

    copied = folder / "copied"
    output("skopeo", "copy", "--src-tls-verify=false", f"docker://{pinned.removeprefix('oci://')}", f"dir:{copied}")
    assert (copied / hashlib.sha256(COUNTDOWN.read_bytes()).hexdigest()).read_bytes() == COUNTDOWN.read_bytes()
    print(output("skopeo", "--version"), "reads it")
    output("skopeo", "copy", "--dest-tls-verify=false", f"dir:{copied}", f"docker://{address}/mirror/countdown:1.0")
    mirrored = pinned.replace("/team/", "/mirror/")
    output(HOST, "env", "inspect", mirrored, "--cache-dir", folder / "another")
    print("and its copy in another repository is read by the same digest")

    client = oras_client.OrasClient(insecure=True, tls_verify=False)
    (pulled,) = client.pull(target=f"{address}/team/countdown:1.0", outdir=str(folder / "pulled"))
    assert pathlib.Path(pulled).read_bytes() == COUNTDOWN.read_bytes()
    os.chdir(MATH.parent)
    client.push(target=f"{address}/team/math:1.0", files=[f"{MATH.name}:application/wasm"])
    os.chdir("..")
    assert "math" in output(HOST, "env", "inspect", f"oci://{address}/team/math:1.0", *cache)
    print("oras", importlib.metadata.version("oras"), "reads it, and what oras publishes is read")


if __name__ == "__main__":
    main()
