# Runs assertions in the module of the solution, as the benchmarks do. The solution can reach everything here.
import builtins


class _Numpy:
    """What the assertions of EvalPlus take from numpy."""

    float32 = float64 = float
    ndarray = type("ndarray", (), {})

    @staticmethod
    def allclose(one, other, rtol=1e-05, atol=1e-08):
        if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
            return len(one) == len(other) and all(_Numpy.allclose(a, b, rtol, atol) for a, b in zip(one, other))
        return one == other or abs(one - other) <= atol + rtol * abs(other)


def _import(name, *others):
    return _Numpy if name == "numpy" else _real_import(name, *others)


_real_import = __import__
_solution = load("solution")


def f(tests):
    names = _solution.__dict__
    names["__builtins__"] = dict(names["__builtins__"], __import__=_import)
    exec(compile(tests, "tests.py", "exec"), names)
    return True
