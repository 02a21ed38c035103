"""One kind of work never takes the threads of another, and nothing that came in vain is lost."""

import threading

import pytest

from jobs.seats import Seats


def test_who_comes_while_all_seats_are_taken_is_looked_at_by_who_sits():
    inside, go, rounds = threading.Event(), threading.Event(), []

    def work():
        rounds.append(threading.get_ident())
        inside.set()
        go.wait(10)
        return 1

    seats = Seats(work, 1)
    first = threading.Thread(target=seats)
    first.start()
    inside.wait(10)
    assert [seats(), seats()] == [0, 0]
    go.set()
    first.join(10)
    assert rounds == [first.ident] * 2
    assert seats() == 1


def test_a_failure_leaves_its_seat():
    seats = Seats(lambda: 1 // 0, 1)
    for _twice in range(2):
        with pytest.raises(ZeroDivisionError):
            seats()
