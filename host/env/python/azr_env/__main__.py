"""`python -m azr_env codegen` prints where the environment `codegen` is."""

import sys

from ._server import environment

if len(sys.argv) != 2:
    sys.exit("usage: python -m azr_env ENVIRONMENT  (codegen, countdown, javascript, math, python or sql): prints its file")
try:
    print(environment(sys.argv[1]))
except FileNotFoundError as error:
    sys.exit(str(error))
