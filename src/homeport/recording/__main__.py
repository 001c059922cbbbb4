"""`python -m homeport.recording FD STORE SETTINGS`: a recorder that knows nothing of processes, for tests and bench."""

import sys

from homeport.recording.command import arguments
from homeport.recording.recorder import main

if __name__ == "__main__":
    main(*arguments(sys.argv[1:]))
