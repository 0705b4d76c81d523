#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes mistakes in kernels and lowering, one at a time, and looks whether the tests notice.

  mutate.py [--only TEXT]... [--list]

Works on a copy of the tree in build/mutate, which stays, so that the next run compiles only what has changed. Every mistake
of mutations.toml is applied to the copy, what depends on it is compiled, and random networks that run the kernel are
compared with the integer reference. The comparison must first pass without the mistake and then fail, or stop, with it. A
mistake that goes unnoticed, or whose text is not found exactly once, makes the status 1.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLACE = ROOT / "build" / "mutate"
TREE, BUILD = PLACE / "tree", PLACE / "build"
PROGRAM = "bitwright-random-networks"
NETWORKS, CHUNK = 24, 8  # of each comparison; of one program: the rest is not run where these differ


def run(*command):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)


def copy_tree():
    """Copies what differs, so that unchanged files keep their times; removes what is gone."""
    listed = run("git", "-C", ROOT, "ls-files", "-co", "--exclude-standard").stdout.split("\n")
    names = {name for name in listed if name and (ROOT / name).is_file()}
    for name in names:
        source, target = ROOT / name, TREE / name
        if not target.exists() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    for path in TREE.rglob("*"):
        if path.is_file() and str(path.relative_to(TREE)) not in names:
            path.unlink()


def configure():
    made = run("cmake", "-G", "Ninja", "-S", TREE, "-B", BUILD, "-DCMAKE_BUILD_TYPE=Release", "-DBITWRIGHT_TRAINER=OFF")
    if made.returncode != 0:
        sys.exit(f"mutate: cmake failed\n{made.stdout}")


def build():
    return run("cmake", "--build", BUILD, "--target", PROGRAM)


def compare(mutation):
    return run(BUILD / PROGRAM, "--kernel", mutation["kernel"], "--target", mutation["target"], "--count", NETWORKS,
               "--chunk", CHUNK, "--first-difference")


def verdict(compared):
    """What a comparison that did not pass says, in a few words."""
    wrong = re.findall(r"^DIFFERENT on [^:]*: (.*)$", compared.stdout, re.MULTILINE)
    if wrong:
        return f"caught: {len(wrong)} packages differ ({wrong[0]})"
    lines = [line for line in compared.stdout.split("\n") if line.strip()]
    return f"caught: {lines[-1] if lines else 'the comparison stopped'}"[:110]


def apply(mutation):
    """The file's path and text before; nothing if the text to replace is not there once."""
    path = TREE / mutation["file"]
    text = path.read_text() if path.exists() else ""
    if text.count(mutation["old"]) != 1:
        return None
    path.write_text(text.replace(mutation["old"], mutation["new"]))
    return path, text


def judge(mutation):
    """Whether the mistake was noticed, and words on it."""
    applied = apply(mutation)
    if applied is None:
        return False, "DOES NOT APPLY: its text is not in the file once"
    path, text = applied
    try:
        built = build()
        if built.returncode != 0:
            return False, "DOES NOT COMPILE"
        compared = compare(mutation)
        if compared.returncode == 0:
            return False, "SURVIVED"
        if re.search(r"does not compile|(gcc|clang): failed", compared.stdout):
            return False, "DOES NOT COMPILE"
        return True, verdict(compared)
    finally:
        path.write_text(text)


def check_unchanged(mutations):
    """Every comparison must pass while there is no mistake."""
    built = build()
    if built.returncode != 0:
        sys.exit(f"mutate: the tree does not compile\n{built.stdout[-3000:]}")
    for kernel, target in sorted({(m["kernel"], m["target"]) for m in mutations}):
        compared = compare({"kernel": kernel, "target": target})
        if compared.returncode != 0:
            sys.exit(f"mutate: {kernel} on {target} fails without any mistake\n{compared.stdout[-3000:]}")


def is_wanted(mutation, texts):
    return not texts or any(text in mutation["what"] or text in mutation["file"] for text in texts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", default=[], metavar="TEXT",
                        help="only mistakes whose description or file holds this text; may be repeated")
    parser.add_argument("--list", action="store_true", help="name them, do nothing")
    arguments = parser.parse_args()
    with open(pathlib.Path(__file__).parent / "mutations.toml", "rb") as file:
        mutations = tomllib.load(file)["mutation"]
    mutations = [m for m in mutations if is_wanted(m, arguments.only)]
    if arguments.list:
        for mutation in mutations:
            print(f"{mutation['file']:<40} {mutation['what']}")
        return 0
    begin = time.monotonic()
    copy_tree()
    configure()
    check_unchanged(mutations)
    caught = 0
    for mutation in mutations:
        noticed, words = judge(mutation)
        caught += noticed
        print(f"{mutation['what']}\n    {mutation['file']}, {mutation['kernel']} on {mutation['target']}\n    {words}",
              flush=True)
    print(f"{caught} of {len(mutations)} mistakes caught, {time.monotonic() - begin:.0f} s")
    return 0 if mutations and caught == len(mutations) else 1


if __name__ == "__main__":
    sys.exit(main())
