import signal
import threading

EXIT_STATUS = 143  # 128 + SIGTERM, what a shell reports for a program that ended by it


class Preemption:
    """Turns SIGTERM into a request, which training answers at the next step boundary.

    A context manager; outside of it, and in other threads than the main one, SIGTERM ends the
    program as usual.
    """

    def __init__(self):
        self.requested = False
        self._before = None

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._request)
        return self

    def __exit__(self, *_):
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def _request(self, *_):
        self.requested = True

    def leave(self, message):
        """Ends the program with the status 143."""
        print(f"SIGTERM: {message} Running the same command again resumes.", flush=True)
        raise SystemExit(EXIT_STATUS)
