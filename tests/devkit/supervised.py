"""The program that the supervisor's tests run: Redis and two children with a mark.

Arguments: the data directory, the mark, and what to run: `calm`, `stubborn`, `failing` or `family`.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from mailer.devkit import Child, EmbeddedRedis, Supervisor

SLEEP = "import sys, time; print('awake', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEP
FAILING = "import sys; sys.exit('no such table: mailing_lists')"
FAMILY = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[2], sys.argv[1]])"
TALE = (
    "import signal, sys, time;"
    "signal.signal(signal.SIGTERM, lambda *_: (print('goes', flush=True), sys.exit()));"
    "print('awake', flush=True); time.sleep(600)"
)

# The tests may run under nohup, which ignores SIGHUP for all that is started from it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
directory, mark, kind = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
scripts = {"calm": SLEEP, "stubborn": STUBBORN, "failing": FAILING, "family": FAMILY}
server = EmbeddedRedis(directory)
server.claim()
children = [
    server.child(),
    Child(
        "first",
        [sys.executable, "-c", scripts[kind], mark, SLEEP],
        stop_order=0,
        grace=0.5,
        after=("redis",),
    ),
    Child("second", [sys.executable, "-c", TALE, mark], stop_order=1, after=("redis",)),
]
supervisor: Supervisor = Supervisor(children, on_ready=lambda: supervisor.say("all is ready"))
try:
    code = supervisor.run()
finally:
    server.release()
sys.exit(code)
