# Runs a program from its beginning and returns what it wrote.
import io


class _Kept(io.BytesIO):
    """What was written stays readable when the program closes its output."""

    def close(self):
        pass


def f(stdin):
    written = _Kept()
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8")
    output = sys.stdout = sys.__stdout__ = io.TextIOWrapper(written, "utf-8", newline="\n")
    try:
        load("__main__")
    except SystemExit:
        pass
    for stream in (sys.stdout, output):
        if not stream.closed:
            stream.flush()
    return written.getvalue().decode()
