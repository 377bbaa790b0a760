import os
import signal
import threading

import pytest

from keras_asym.training import EXIT_STATUS, Preemption


def test_sigterm_becomes_a_request(capsys):
    before = signal.getsignal(signal.SIGTERM)
    with Preemption() as preemption:
        assert not preemption.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert preemption.requested
        with pytest.raises(SystemExit) as error:
            preemption.leave("saved.")
    assert error.value.code == EXIT_STATUS == 143
    assert "SIGTERM: saved. Running the same command again resumes." in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_change_nothing():
    before, found = signal.getsignal(signal.SIGTERM), []

    def train():
        with Preemption() as preemption:
            found.append((signal.getsignal(signal.SIGTERM), preemption.requested))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found == [(before, False)]
