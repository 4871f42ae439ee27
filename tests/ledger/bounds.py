"""How far the searches go: far enough for every run, or `HYPERTALLY_EXHAUSTIVE=1` for as far as an hour takes."""

import os

EXHAUSTIVE = bool(os.environ.get("HYPERTALLY_EXHAUSTIVE"))
EXAMPLES = 20_000 if EXHAUSTIVE else 120
STEPS = 120 if EXHAUSTIVE else 60
