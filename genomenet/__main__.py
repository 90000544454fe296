"""The command line as `python -m genomenet`, which is what torchrun takes."""

import sys

from genomenet.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
