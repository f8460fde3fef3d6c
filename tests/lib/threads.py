"""Threads of tests, whose failures are not lost."""
import threading


class Guarded(threading.Thread):
    """Runs at once; finish() waits for it and gives its result or its error."""

    def __init__(self, call, *args):
        super().__init__(daemon=True)
        self.call, self.args = call, args
        self.error = self.result = None
        self.start()

    def run(self):
        try:
            self.result = self.call(*self.args)
        except BaseException as e:
            self.error = e

    def finish(self, seconds=120):
        self.join(seconds)
        assert not self.is_alive(), "a thread hangs"
        if self.error is not None:
            raise self.error
        return self.result
