"""The errors a user can mend, told in one sentence."""


class UserError(Exception):
    """A mistake in the user's input: what is wrong, where, and what to do, in one sentence.

    The command line prints the sentence without a traceback and exits with code 2.
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
