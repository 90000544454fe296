"""What ends a command early, told in one sentence: errors a user can mend, and being stopped."""


class UserError(Exception):
    """A mistake in the user's input: what is wrong, where, and what to do, in one sentence.

    The command line prints the sentence without a traceback and exits with code 2.
    """


class Stopped(Exception):
    """A scheduler asked for an end: what is saved, and how to go on, in one sentence.

    The command line exits with code 75, EX_TEMPFAIL of sysexits.h, on which schedulers can be told
    to queue a job again.
    """


def nearest(word: str, choices) -> str:
    """A hint naming the closest of `choices`, or the empty string when none is close.

    Parameters
    ----------
    word : str
        What the user wrote.
    choices : iterable of str
        What is valid.
    """
    import difflib

    hits = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return f"; did you mean '{hits[0]}'?" if hits else ""
