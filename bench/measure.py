"""Run one command and tell what it took, with the microseconds that wait4 knows: JSON on stdout, the command's stdout to nowhere.

Processor time is that of the command and of every process it started and waited for; the peak is that of the largest of them.
"""

import json
import os
import sys
import time

nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
started = time.monotonic()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere)
_, status, usage = os.wait4(pid, 0)
wall = time.monotonic() - started
taken = {'cpuS': usage.ru_utime + usage.ru_stime, 'wallS': wall, 'peakBytes': usage.ru_maxrss * 1024}
print(json.dumps({'status': os.waitstatus_to_exitcode(status), **taken}))
