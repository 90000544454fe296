"""Matched comparison of arms: data efficiency, intervals, trivial rows."""
