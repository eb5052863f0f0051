"""Commands for the tests of the Click kit: one of every kind."""
