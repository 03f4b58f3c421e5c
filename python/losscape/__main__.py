"""``python -m losscape`` is the program ``losscape``."""

import os
import subprocess
import sys

from ._process import Error, program


def main() -> int:
    try:
        path = program()
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    if os.name == "posix":
        os.execv(path, ["losscape", *sys.argv[1:]])
    return subprocess.call([path, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
