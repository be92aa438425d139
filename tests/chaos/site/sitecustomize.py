"""Python imports this at the start of every process of the trial's stack: a function starts from the code that is
deployed at that moment, to which CHAOS_CODE is a link.
"""

import os
import sys
from pathlib import Path

if "CHAOS_CODE" in os.environ and "drumbeat.local.runtime" in sys.orig_argv:
    code = Path(os.environ["CHAOS_CODE"]).resolve()
    os.chdir(code)  # functions/ is found here
    sys.path[:0] = [str(code), str(code / "shared")]
